"""One writer's file: records are appended and flushed to the disk; a torn end is cut off before the next."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from napari_medclf.atomic import make_folder, sync_folder
from napari_medclf.store.file_lock import FileLock
from napari_medclf.store.strokes.records import scan

SUFFIX = ".strokes"
_LOCK = ".lock"


class StrokeFile:
    """Appends to a file that this process alone writes; it is made by the first `append`.

    Parameters
    ----------
    path : Path
        ``<writer_id>.strokes``.
    head : bytes
        What a new file begins with.
    """

    def __init__(self, path: Path, head: bytes) -> None:
        self.path = path
        self._head = head
        self._lock = FileLock(lock_of(path))
        self._file: BinaryIO | None = None
        self._n_good = 0
        self._is_dirty_end = False
        self._thread_lock = threading.Lock()

    def append(self, content: bytes) -> None:
        """Add whole records; when this returns they are on the disk.

        Raises
        ------
        OSError
            If they cannot be written. The file is as before, or has a torn end that the next call cuts off.
        """
        with self._thread_lock:
            file = self._opened()
            if self._is_dirty_end:
                file.truncate(self._n_good)
                self._is_dirty_end = False
            file.seek(self._n_good)
            self._is_dirty_end = True
            _write_all(file, content)
            # fdatasync flushes the new length too, and spares the time stamps
            getattr(os, "fdatasync", os.fsync)(file.fileno())
            self._n_good += len(content)
            self._is_dirty_end = False

    def close(self) -> None:
        """Let go of the file."""
        with self._thread_lock:
            if self._file is not None:
                with suppress(OSError):
                    if self._is_dirty_end:
                        self._file.truncate(self._n_good)
                self._file.close()
                self._file = None
            self._lock.free(remove=True)

    def _opened(self) -> BinaryIO:
        if self._file is not None:
            return self._file
        make_folder(self.path.parent)
        if not self._lock.take(wait=False):
            raise OSError(None, f"another window writes as {self.path.stem}")
        file = self._open()
        try:
            self._begin(file)
        except BaseException:
            file.close()
            raise
        self._file = file
        return file

    def _open(self) -> BinaryIO:
        # unbuffered: a record is one write, and nothing of ours is left to be flushed by chance later
        try:
            return self.path.open("r+b", buffering=0)
        except FileNotFoundError:
            return self.path.open("x+b", buffering=0)

    def _begin(self, file: BinaryIO) -> None:
        content = file.read()
        found = scan(content)
        if found.end:
            self._n_good, self._is_dirty_end = found.end, found.end < len(content)
            return
        file.seek(0)
        file.truncate(0)
        _write_all(file, self._head)
        os.fsync(file.fileno())
        sync_folder(self.path.parent)
        self._n_good = len(self._head)


def lock_of(path: Path) -> Path:
    """What the writer of a file holds while it lives."""
    return path.with_suffix(_LOCK)


def _write_all(file: BinaryIO, content: bytes) -> None:
    view = memoryview(content)
    while view:
        n_written = file.write(view)
        if not n_written:
            raise OSError(None, "nothing more can be written")
        view = view[n_written:]
