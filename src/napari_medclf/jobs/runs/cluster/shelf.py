"""Where a worker looks for a model: where the leader has it, among its own models, and among those sent before."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from napari_medclf.domain.errors import MedclfError, WriteError
from napari_medclf.jobs.runs.cluster.manifest import Manifest, check_name, is_same

if TYPE_CHECKING:
    from napari_medclf.domain.package import ModelPackage


def find_here(package: ModelPackage, manifest: Manifest) -> ModelPackage | None:
    """Find a leader's model on this computer, the same in every byte; None where it is not.

    Parameters
    ----------
    package : ModelPackage
        As the leader has it; its folder need not exist here.
    """
    for folder in _places(package, manifest):
        if is_same(manifest, folder):
            return _moved(package, folder)
    return None


def shelf_of(manifest: Manifest) -> Path:
    """Where a model lies that was sent to this computer: in the user's folder, by the digest of all its files."""
    from napari_medclf.store.catalogue import default_user_folder

    return default_user_folder() / "shipped" / manifest.digest[:32] / check_name(manifest.folder_name)


def receive(manifest: Manifest, position: int, offset: int, chunk: bytes) -> None:
    """Put a piece of a file of a model where it belongs; with the last piece, the model appears on the shelf whole.

    Parameters
    ----------
    position : int
        Of the file in the manifest; files and pieces come in order.

    Raises
    ------
    WriteError
        If it cannot be written, or is not what was sent.
    """
    shelf = shelf_of(manifest)
    unfinished = shelf.with_name(f".{shelf.name}.tmp-{os.getpid()}")
    one = manifest.files[position]
    try:
        path = unfinished / check_name(one.name)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb" if offset == 0 else "r+b") as file:
            file.seek(offset)
            file.write(chunk)
        if position == len(manifest.files) - 1 and offset + len(chunk) == one.n_bytes:
            _finish(manifest, unfinished, shelf)
    except OSError as error:
        raise WriteError(f"{shelf}: the model cannot be kept there ({error.strerror or error}).") from error


def _finish(manifest: Manifest, unfinished: Path, shelf: Path) -> None:
    import shutil

    from napari_medclf.store.exchange import move_into_place

    if not is_same(manifest, unfinished):
        shutil.rmtree(unfinished, ignore_errors=True)
        raise WriteError(f"The model {manifest.name!r} came damaged; its files are not those that were sent.")
    move_into_place(unfinished, shelf)


def _places(package: ModelPackage, manifest: Manifest) -> Iterator[Path]:
    from napari_medclf.store.catalogue import Catalogue

    yield package.folder
    yield shelf_of(manifest)
    own = []
    with suppress(MedclfError, OSError):  # a damaged catalogue has no model for us
        own = [one for one in Catalogue().packages() if one.card.weights_sha256 == manifest.weights_sha256]
    yield from (one.folder for one in own)


def _moved(package: ModelPackage, folder: Path) -> ModelPackage:
    files = tuple(folder / path.relative_to(package.folder) for path in package.files)
    return replace(package, folder=folder, files=files)
