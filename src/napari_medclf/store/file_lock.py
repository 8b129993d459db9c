"""A lock that the operating system takes back when its holder dies."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


class FileLock:
    """Holds a small file beside what it guards; a kill frees it.

    Parameters
    ----------
    path : Path
        Of the lock itself. Its folder must be there.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor = -1

    def take(self, *, wait: bool) -> bool:
        """Take it; returns whether it is held now.

        Raises
        ------
        OSError
            If the file cannot be made.
        """
        if self._descriptor >= 0:
            return True
        while True:
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o666)
            if not _lock(descriptor, wait=wait):
                os.close(descriptor)
                return False
            if _is_still(self.path, descriptor):
                self._descriptor = descriptor
                return True
            os.close(descriptor)  # its holder removed it while we waited; another may hold the new one

    def free(self, *, remove: bool = False) -> None:
        """Give it back; once more does nothing."""
        if self._descriptor < 0:
            return
        descriptor, self._descriptor = self._descriptor, -1
        if remove:
            with suppress(OSError):  # Windows keeps a file that is open
                self.path.unlink()
        with suppress(OSError):  # a share that was disconnected took the lock with it
            os.close(descriptor)

    @property
    def is_held(self) -> bool:
        """Whether this object holds it."""
        return self._descriptor >= 0


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock for the body, waiting for another process that has it."""
    lock = FileLock(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    lock.take(wait=True)
    try:
        yield
    finally:
        lock.free()


def _is_still(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(os.stat(path), os.fstat(descriptor))
    except FileNotFoundError:
        return False


if sys.platform == "win32":
    import msvcrt
    import time

    def _lock(descriptor: int, *, wait: bool) -> bool:
        while True:
            try:
                msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
            except OSError:
                if not wait:
                    return False
                time.sleep(0.01)
            else:
                return True
else:
    import fcntl

    def _lock(descriptor: int, *, wait: bool) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
