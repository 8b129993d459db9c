"""A case's files appear all at once, under a folder of their own."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from napari_medclf.atomic import make_folder, sync_folder

_TEMPORARY, _OLD = ".tmp-", ".old-"


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """Give a folder to write into, which gets its name in one step once the body is over and all is on the disk.

    What had the name before is moved aside, and removed when the new one is there; `recover` mends what a kill leaves
    between the two. When the body raises, what was there is untouched, and the new files are gone.

    Parameters
    ----------
    folder : Path
        How it shall be called. The folder it lies in is made when it is missing.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    make_folder(folder.parent)
    token = f"{secrets.token_hex(4)}-{os.getpid()}"
    new = folder.with_name(f".{folder.name}{_TEMPORARY}{token}")
    new.mkdir()
    try:
        yield new
        for below in (new, *(path for path in new.rglob("*") if path.is_dir())):
            sync_folder(below)
        _put(new, folder, folder.with_name(f".{folder.name}{_OLD}{token}"))
    except BaseException:
        shutil.rmtree(new, ignore_errors=True)
        raise


def recover(cases: Path) -> None:
    """Mend what a kill left below the folder of all cases: give back old folders, remove unfinished ones.

    Only where nobody is at work there; one who still is, such as a worker that lost its leader, fails to write.
    """
    left = sorted(path for path in cases.rglob(".*") if path.is_dir() and _final_name(path))
    for path in left:
        final = path.with_name(_final_name(path))
        if _OLD in path.name and not final.exists():
            os.replace(path, final)
        else:
            shutil.rmtree(path, ignore_errors=True)


def remove_files(folder: Path, names: Iterable[str]) -> None:
    """Remove files of a run that no case has any more, and the folders that are empty then."""
    for name in names:
        path = folder / name
        if ".." in path.parts or not path.is_relative_to(folder):  # a ledger that somebody else wrote
            continue
        with suppress(OSError):
            path.unlink()
        with suppress(OSError):
            path.parent.rmdir()


def _put(new: Path, folder: Path, old: Path) -> None:
    is_there = folder.exists()
    if is_there:
        os.replace(folder, old)
    try:
        os.replace(new, folder)
    except BaseException:
        if is_there:
            os.replace(old, folder)
        raise
    sync_folder(folder.parent)
    if is_there:
        shutil.rmtree(old, ignore_errors=True)


def _final_name(path: Path) -> str:
    """Name of the folder that an unfinished one was to become; empty for others."""
    for mark in (_TEMPORARY, _OLD):
        name, found, token = path.name[1:].rpartition(mark)
        if path.name.startswith(".") and found and name and token.partition("-")[2].isdigit():
            return name
    return ""
