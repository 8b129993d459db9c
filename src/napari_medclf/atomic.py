"""Write files so that a kill, a full disk or a power cut leaves the old file or the new one."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

_TEMPORARY = ".tmp-"
_SURELY_DEAD_S = 3600.0


@contextmanager
def atomic_writer(path: Path) -> Iterator[BinaryIO]:
    """Open a binary file that appears under its name only once it is whole and on disk.

    The bytes go to a temporary file in the same folder, which is flushed to the disk, renamed over
    `path`, and made durable by flushing the folder. When the body raises, `path` is untouched and
    the temporary file is gone.

    Parameters
    ----------
    path : Path
        Where the file shall be. Its folder is made when it is missing.

    Raises
    ------
    OSError
        If the disk is full or the folder cannot be written; the old file is intact.
    """
    make_folder(path.parent)
    # The thread's number keeps two threads apart that save the same file; the last rename wins.
    temporary = path.with_name(f".{path.name[:100]}.{threading.get_ident()}{_TEMPORARY}{os.getpid()}")
    try:
        with temporary.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise
    sync_folder(path.parent)


def atomic_write(path: Path, content: bytes | str) -> None:
    """Replace a file's content in one step; text is written as UTF-8.

    Raises
    ------
    OSError
        As `atomic_writer`.
    """
    with atomic_writer(path) as file:
        file.write(content.encode() if isinstance(content, str) else content)


def atomic_write_parts(path: Path, parts: Iterable[str]) -> None:
    """Replace a file's content in one step by text that comes in parts, and need not be in memory as a whole.

    Raises
    ------
    OSError
        As `atomic_writer`.
    """
    with atomic_writer(path) as file:
        for part in parts:
            file.write(part.encode())


def append_line(path: Path, line: str) -> None:
    """Add one line to a journal and flush it to the disk; a torn last line is closed first.

    Readers of a journal drop a line that does not parse: a kill can only tear the last one.
    """
    make_folder(path.parent)
    fresh = not path.exists()
    with path.open("ab+") as file:
        start = b""
        if file.tell() > 0:
            file.seek(-1, os.SEEK_END)
            start = b"" if file.read(1) == b"\n" else b"\n"
        file.write(start + line.encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())
    if fresh:
        sync_folder(path.parent)


def is_temporary(path: Path) -> bool:
    """Tell whether a file is an unfinished write of ours, to be ignored by readers."""
    return path.name.startswith(".") and _TEMPORARY in path.name


def sweep(folder: Path) -> int:
    """Remove what killed writers left in a folder; returns how many files went.

    Files of a process that still lives are left alone.
    """
    removed = 0
    for path in folder.glob(f".*{_TEMPORARY}*"):
        if is_left_behind(path):
            with suppress(OSError):
                path.unlink()
                removed += 1
    return removed


def is_left_behind(path: Path) -> bool:
    """Tell whether a name ends in the number of a process that lives no more: ``.model.tmp-4711``.

    Where processes cannot be asked (Windows), the file must be an hour old.
    """
    pid = path.name.rpartition("-")[2]
    if not pid.isdigit() or _is_alive(int(pid)):
        return False
    if os.name != "nt":
        return True
    with suppress(OSError):
        return time.time() - path.stat().st_mtime > _SURELY_DEAD_S
    return False


def _is_alive(pid: int) -> bool:
    if pid == os.getpid():
        return True
    if os.name == "nt":  # a signal 0 would end the process there; `is_left_behind` goes by age instead
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def make_folder(folder: Path) -> None:
    """Make a folder and those above it that are missing, each durable in the one above it."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable, such as a file that was made, renamed or removed."""
    if os.name == "nt":  # Windows cannot open a folder for that
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
