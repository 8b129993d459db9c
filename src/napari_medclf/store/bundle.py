"""The model package: a MONAI bundle with our card in its metadata; read, written, verified."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from pydantic import ValidationError

from napari_medclf.atomic import atomic_write
from napari_medclf.domain.card import ModelCard
from napari_medclf.domain.errors import CardError, WriteError
from napari_medclf.domain.package import ModelPackage
from napari_medclf.domain.run import RunSpec
from napari_medclf.store.bundle_config import inference_config
from napari_medclf.store.bundle_metadata import CARD_KEY, bundle_metadata
from napari_medclf.store.card_text import card_markdown
from napari_medclf.store.digests import file_sha256
from napari_medclf.store.exchange import left_behind, move_into_place, temporary_beside
from napari_medclf.store.safetensors_header import check_safetensors
from napari_medclf.store.sidecar import has_sidecar, read_sidecar, say_invalid

METADATA = "configs/metadata.json"
INFERENCE = "configs/inference.json"
RUN_SPEC = "configs/run_spec.json"
WEIGHTS = "models/model.safetensors"
README = "docs/README.md"
LICENCE = "LICENSE"

_MAX_METADATA_BYTES = 10_000_000


def is_package(folder: Path) -> bool:
    """Tell whether a folder looks like a model package: ours, another MONAI bundle, or one with a card beside it."""
    return (folder / METADATA).is_file() or has_sidecar(folder)


def has_card(folder: Path) -> bool:
    """Tell whether a folder's metadata hold a card of this program."""
    try:
        content = json.loads((folder / METADATA).read_bytes()[:_MAX_METADATA_BYTES])
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(content, dict) and CARD_KEY in content


def read_package(folder: Path, *, is_embedded: bool = False) -> ModelPackage:
    """Read a package's card; the weights are only looked for, `verify_package` reads them.

    A folder with a ``medclf.json`` is a model of another backend.

    Raises
    ------
    CardError
        If it is no package, its card is damaged, or the weights are missing.
    """
    _tidy(folder)
    foreign = read_sidecar(folder)
    if foreign is not None:
        return dataclasses.replace(foreign, is_embedded=is_embedded)
    path = folder / METADATA
    try:
        if path.stat().st_size > _MAX_METADATA_BYTES:
            raise CardError(f"{path}: is too large to be a model's metadata.")
        content = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise CardError(f"{folder}: is no model package; it has no {METADATA}.") from None
    except OSError as error:
        raise CardError(f"{path}: cannot be read ({error.strerror or error}).") from error
    except (ValueError, RecursionError) as error:
        raise CardError(f"{path}: is not JSON ({error}).") from error
    if not isinstance(content, dict) or CARD_KEY not in content:
        raise CardError(f"{folder}: is a MONAI bundle without the {CARD_KEY!r} card, which this program needs.")
    card = _read_card(path, content[CARD_KEY])
    package = ModelPackage(card, folder, is_embedded)
    if not package.weights_path.is_file():
        raise CardError(f"{folder}: the weights {WEIGHTS} are missing; the package is incomplete.")
    return package


def verify_package(package: ModelPackage) -> None:
    """Read the weights and compare them with the card.

    Raises
    ------
    CardError
        If they are cut short, damaged, or others than the card speaks of.
    """
    path = package.weights_path
    check_safetensors(path)
    digest = file_sha256(path)
    if digest != package.card.weights_sha256:
        raise CardError(
            f"{path}: the weights are not the ones of the card (SHA-256 {digest[:12]}..., expected "
            f"{package.card.weights_sha256[:12] or 'none'}...). Get the package again."
        )


def write_package(
    folder: Path,
    card: ModelCard,
    weights: bytes,
    run_spec: RunSpec,
    licence_text: str,
    extra_files: Mapping[str, bytes] | None = None,
    *,
    replace: bool = True,
) -> ModelPackage:
    """Write a model package; it appears under its name whole, or not at all.

    Parameters
    ----------
    folder : Path
        Where the package shall be. A package that is there already is exchanged; any other
        non-empty folder is refused, so keep checkpoints beside it and not inside.
    card : ModelCard
        Its `weights_sha256` is filled here.
    weights : bytes
        Content of a safetensors file.
    run_spec : RunSpec
        What re-trains it.
    licence_text : str
        Becomes ``LICENSE``.
    extra_files : dict
        Relative path to content, such as ``configs/splits.json`` and ``docs/history.csv``.
    replace : bool
        False refuses a package that is there already.

    Raises
    ------
    CardError
        If the weights are no safetensors file.
    WriteError
        If the folder cannot be written or holds something else; it is as it was.
    """
    folder = Path(os.path.abspath(folder))
    check_safetensors(weights)
    check_target(folder, replace=replace)
    card = card.model_copy(update={"weights_sha256": hashlib.sha256(weights).hexdigest()})
    files: dict[str, bytes | str] = {
        METADATA: _json(bundle_metadata(card)),
        INFERENCE: _json(inference_config(card)),
        RUN_SPEC: run_spec.model_dump_json(indent=1) + "\n",
        WEIGHTS: weights,
        README: card_markdown(card),
        LICENCE: licence_text if licence_text.endswith("\n") else licence_text + "\n",
        **(extra_files or {}),
    }
    _put(files, folder)
    return read_package(folder)


def copy_package(package: ModelPackage, folder: Path) -> ModelPackage:
    """Copy a verified package; it appears under the new name whole.

    Raises
    ------
    CardError
        If the package is damaged.
    WriteError
        If it cannot be written.
    """
    verify_package(package)
    folder = Path(os.path.abspath(folder))
    check_target(folder, replace=True)
    _put(_content_of(package.folder), folder)
    return read_package(folder)


def extra_files(package: ModelPackage) -> dict[str, bytes]:
    """Read what a package holds beside the files that every package has, such as splits, history and a baseline."""
    own = (METADATA, INFERENCE, RUN_SPEC, WEIGHTS, README, LICENCE)
    return {name: content for name, content in _content_of(package.folder).items() if name not in own}


def check_target(folder: Path, *, replace: bool) -> None:
    """Make sure that a package may be written to a folder.

    Raises
    ------
    WriteError
        If it is a file or holds something else than a package, or a package that shall not be replaced.
    """
    _tidy(folder)
    if not folder.exists():
        return
    if not folder.is_dir():
        raise WriteError(f"{folder}: is a file; choose a new folder for the model.")
    if is_package(folder):
        if not replace:
            raise WriteError(f"{folder}: holds a model already; choose another folder or name.")
        return
    if any(folder.iterdir()):
        raise WriteError(f"{folder}: is not empty and no model package; choose a new folder for the model.")


def read_run_spec(package: ModelPackage) -> RunSpec:
    """Read what made a model.

    Raises
    ------
    CardError
        If the package does not say.
    """
    path = package.folder / RUN_SPEC
    try:
        return RunSpec.model_validate_json(path.read_bytes())
    except OSError as error:
        raise CardError(f"{package.folder}: does not say how it was made; {RUN_SPEC} is missing.") from error
    except ValidationError as error:
        raise CardError(f"{path}: is damaged ({error.errors()[0]['msg']}).") from error


def _read_card(path: Path, content: object) -> ModelCard:
    try:
        return ModelCard.model_validate(content)
    except ValidationError as error:
        raise CardError(f"{path}: the card is {say_invalid(error, 'card')}.") from error


def _tidy(folder: Path) -> None:
    """Bring back a package whose exchange was killed between its two renames."""
    if folder.is_dir() and is_package(folder):
        return
    for aside in left_behind(folder, "old"):
        if not folder.exists():
            with suppress(OSError):  # another process may be faster
                aside.rename(folder)


def _write_files(folder: Path, files: Mapping[str, bytes | str] | Mapping[str, bytes]) -> None:
    for name, content in files.items():
        path = folder / name
        if not path.resolve().is_relative_to(folder.resolve()):
            raise WriteError(f"{name}: a file of a package must lie inside it.")
        atomic_write(path, content)


def _put(files: Mapping[str, bytes | str] | Mapping[str, bytes], folder: Path) -> None:
    try:
        with temporary_beside(folder) as temporary:
            _write_files(temporary, files)
            move_into_place(temporary, folder)
    except OSError as error:
        raise WriteError(f"{folder}: cannot be written ({error.strerror or error}).") from error


def _content_of(folder: Path) -> dict[str, bytes]:
    """The files of a package; hidden ones, links and checkpoints are not part of it."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        and not path.is_symlink()
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    }


def _json(content: object) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"
