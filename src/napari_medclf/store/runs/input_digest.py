"""Tell by the bytes whether an image is the one that was run."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from napari_medclf.domain.errors import ReadError
from napari_medclf.store.digests import file_sha256


def input_sha256(files: Iterable[Path]) -> str:
    """SHA-256 over the digests of all files of an image, sorted: what they are called does not count.

    A single file's is the digest of its bytes. A file that holds many images is hashed once, until it changes.

    Raises
    ------
    ReadError
        If a file is gone or cannot be read.
    """
    digests = sorted(map(_of_file, files))
    return digests[0] if len(digests) == 1 else hashlib.sha256("\n".join(digests).encode()).hexdigest()


def _of_file(path: Path) -> str:
    try:
        stat = path.stat()
        return _hash(path, (stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino))
    except OSError as error:
        reason = f"cannot be read any more ({error.strerror or error})"
        raise ReadError(path, reason, "It was there when the folder was listed.") from error


@lru_cache(maxsize=256)
def _hash(path: Path, state: tuple[int, ...]) -> str:
    return file_sha256(path)
