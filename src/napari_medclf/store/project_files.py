"""The files of a project beside its journal: written under names that no other version has."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from napari_medclf.atomic import atomic_writer, make_folder, sweep
from napari_medclf.domain.dataset import FileRef
from napari_medclf.domain.errors import WriteError
from napari_medclf.store.files import image_suffix

WriteFile = Callable[[Path], object]
"""Writes an image to the path it gets; the layer above knows formats."""

_BEFORE = ("strokes", "audit.jsonl")
_FOLDERS = ("labels", "edited", "images", "predictions", "strokes")


def is_of_strokes(path: Path) -> bool:
    """Tell whether something in a folder is what painting leaves there before there is a project."""
    return path.name in _BEFORE or path.name.startswith(".")


def new_version() -> str:
    """Name a version by its time, so that names sort, and by chance, so that two processes never meet."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:8]}"


def write_file(folder: Path, relative: Path, write: WriteFile | None) -> str:
    """Let the caller write a file; returns its path below the project, empty without a writer.

    Raises
    ------
    WriteError
        If it cannot be written, or was not.
    """
    if write is None:
        return ""
    path = folder / relative
    try:
        make_folder(path.parent)
        write(path)
    except OSError as error:
        raise WriteError(f"{path}: cannot be written ({error.strerror or error}).") from error
    if not path.is_file():
        raise WriteError(f"{path}: was not written.")
    return relative.as_posix()


def copy_image(folder: Path, image: FileRef, name: str) -> FileRef:
    """Copy an image into the project.

    Raises
    ------
    WriteError
        If it is no single file, or cannot be written.
    """
    if not image.path.is_file():
        raise WriteError(f"{image.path}: only single files can be copied into a project; reference it instead.")
    target = folder / "images" / f"{name}{image_suffix(image.path.name) or image.path.suffix}"
    try:
        with image.path.open("rb") as source, atomic_writer(target) as file:
            shutil.copyfileobj(source, file)
    except OSError as error:
        raise WriteError(f"{target}: cannot be written ({error.strerror or error}).") from error
    return FileRef(target, image.member)


def sweep_project(folder: Path) -> int:
    """Remove what killed writers left; returns how many files went."""
    folders = [folder, *(path for part in _FOLDERS for path in (folder / part, *(folder / part).rglob("*")))]
    return sum(sweep(path) for path in folders if path.is_dir())
