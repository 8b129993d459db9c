"""A short key of an image's content, without reading all of it."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from napari_medclf.domain.dataset import FileRef

_PEEK_BYTES = 2**16
_LENGTH = 12
_STACK = "+"
"""Begins the member that means all pictures of a folder."""


def content_key(ref: FileRef) -> str:
    """Hash what tells an image from others: wherever it lies and whatever it is called, the key stays.

    Of a file its size, its beginning, middle and end; of a DICOM series in a folder its UID, which is its member
    there. Files that differ elsewhere only share a key.

    Returns
    -------
    str
        12 hexadecimal digits.
    """
    digest = hashlib.sha256(ref.member.encode(errors="surrogateescape"))
    is_series = ref.path.is_dir() and ref.member and not ref.member.startswith(_STACK)
    if not is_series:
        for path in _files(ref.path):
            digest.update(_peek(path))
    return digest.hexdigest()[:_LENGTH]


def _files(path: Path) -> list[Path]:
    """The file itself; of a folder without a member its first and last."""
    if not path.is_dir():
        return [path]
    files = sorted(one for one in path.iterdir() if one.is_file())
    return [*files[:1], *files[-1:]]


def _peek(path: Path) -> bytes:
    """Size and samples of a file; where it cannot be read, its place."""
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            starts = sorted({0, max(size // 2 - _PEEK_BYTES // 2, 0), max(size - _PEEK_BYTES, 0)})
            return b"".join([str(size).encode(), *(_read_at(file.fileno(), start) for start in starts)])
    except OSError:
        return str(path).encode(errors="surrogateescape")


def _read_at(descriptor: int, start: int) -> bytes:
    os.lseek(descriptor, start, os.SEEK_SET)
    return os.read(descriptor, _PEEK_BYTES)
