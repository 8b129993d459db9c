"""The files of a model with their digests: how a worker tells whether it has the same model already."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from napari_medclf.domain.errors import CardError

if TYPE_CHECKING:
    from napari_medclf.domain.package import ModelPackage

CHUNK_BYTES = 4 * 2**20
_MOST_FILES = 5_000


@dataclass(frozen=True)
class ModelFile:
    """A file of a model: its place below the model's folder, size and content."""

    name: str
    n_bytes: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """All files of a model.

    Parameters
    ----------
    name : str
        The model's, for people.
    folder_name : str
        Of the folder it lies in, by which some kinds of models are known.
    weights_sha256 : str
        The card's; empty for models of other kinds.
    """

    name: str
    folder_name: str
    weights_sha256: str
    files: tuple[ModelFile, ...]

    @property
    def digest(self) -> str:
        """Of every name and content: the same for the same model, wherever it lies."""
        lines = (f"{one.name}\0{one.n_bytes}\0{one.sha256}\n" for one in self.files)
        return hashlib.sha256("".join(lines).encode()).hexdigest()

    @property
    def n_bytes(self) -> int:
        """Of all files."""
        return sum(one.n_bytes for one in self.files)


def manifest_of(package: ModelPackage) -> Manifest:
    """Read and hash all files of a model.

    Raises
    ------
    CardError
        If one lies outside of the model's folder or is missing, or the weights are not those of the card.
    OSError
        If one cannot be read.
    """
    files = tuple(_file(package.folder, path) for path in paths_of(package))
    card = package.card
    _check_weights(package, files)
    return Manifest(card.name, package.folder.name, card.weights_sha256, files)


def paths_of(package: ModelPackage) -> list[Path]:
    """List the files of a model, and the card beside them.

    Raises
    ------
    CardError
        If there are more than a model has.
    """
    paths = package.files or tuple(_visible(package.folder))
    if len(paths) > _MOST_FILES:
        raise CardError(f"{package.folder}: holds {len(paths)} files; that is more than a model.")
    return sorted(set(paths) | set(_card_of(package)))


def is_same(manifest: Manifest, folder: Path) -> bool:
    """Tell whether a folder holds every file of a manifest, byte for byte; what else is in it does not matter."""
    try:
        return all(_is_file(folder / one.name, one) for one in manifest.files)
    except OSError:
        return False


def check_name(name: str) -> str:
    """Take only names that stay below their folder, on every system.

    Raises
    ------
    CardError
        If it is another one.
    """
    parts = PurePosixPath(name).parts
    if not parts or name.startswith("/") or ".." in parts or any(one in name for one in ("\\", ":", "\0")):
        raise CardError(f"{name!r} does not name a file inside of a model's folder.")
    return name


def _is_file(path: Path, wanted: ModelFile) -> bool:
    from napari_medclf.store.digests import file_sha256

    return path.is_file() and path.stat().st_size == wanted.n_bytes and file_sha256(path) == wanted.sha256


def _file(folder: Path, path: Path) -> ModelFile:
    from napari_medclf.store.digests import file_sha256
    from napari_medclf.store.sidecar import inner_name, inner_path

    name = check_name(inner_name(folder, path))
    inner_path(folder, name)
    return ModelFile(name, path.stat().st_size, file_sha256(path))


def _visible(folder: Path) -> Iterator[Path]:
    for path in folder.rglob("*"):
        if path.is_file() and not any(part.startswith((".", "__")) for part in path.relative_to(folder).parts):
            yield path


def _card_of(package: ModelPackage) -> tuple[Path, ...]:
    """The card beside the files of a model of another kind, where there is one."""
    from napari_medclf.store.sidecar import SIDECAR, has_sidecar

    return (package.folder / SIDECAR,) if has_sidecar(package.folder) else ()


def _check_weights(package: ModelPackage, files: tuple[ModelFile, ...]) -> None:
    from napari_medclf.store.bundle import verify_package

    is_native = package.card.backend == "native"
    if is_native and package.card.weights_sha256 not in {one.sha256 for one in files}:
        verify_package(package)  # says what is wrong
