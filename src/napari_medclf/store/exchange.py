"""Put a finished folder under its name in one step, whatever was there before."""

from __future__ import annotations

import glob
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from napari_medclf.atomic import is_left_behind, sync_folder


@contextmanager
def temporary_beside(folder: Path) -> Iterator[Path]:
    """Name a hidden place beside a folder to build its successor in; it is removed at the end, also after a failure."""
    temporary = folder.with_name(f".{folder.name}.tmp-{os.getpid()}")
    shutil.rmtree(temporary, ignore_errors=True)
    try:
        yield temporary
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def move_into_place(temporary: Path, folder: Path) -> None:
    """Rename; a folder that was there is moved aside first and brought back if that fails.

    Raises
    ------
    OSError
        If it cannot be renamed; all is as it was.
    """
    if not folder.exists():
        temporary.rename(folder)
        sync_folder(folder.parent)
        return
    aside = folder.with_name(f".{folder.name}.old-{os.getpid()}")
    shutil.rmtree(aside, ignore_errors=True)
    folder.rename(aside)
    try:
        temporary.rename(folder)
    except OSError:
        aside.rename(folder)
        raise
    sync_folder(folder.parent)
    for stale in (aside, *left_behind(folder, "old"), *left_behind(folder, "tmp")):
        shutil.rmtree(stale, ignore_errors=True)


def left_behind(folder: Path, kind: str) -> list[Path]:
    """List what killed processes left beside a folder: ``tmp``, what they built, or ``old``, what they moved aside."""
    if not folder.parent.is_dir():
        return []
    return [path for path in folder.parent.glob(f".{glob.escape(folder.name)}.{kind}-*") if is_left_behind(path)]
