"""The samples behind a header: raw or packed, in the same file or in one beside it."""

from __future__ import annotations

import bz2
import gzip
import zlib
from enum import StrEnum
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_medclf.domain.errors import ReadError
from napari_medclf.io.preflight import check_budget, check_declared, check_file

ByteArray = NDArray[np.uint8]

_CHUNK = 2**22
_MOST_BEHIND = 2**20
# bzip2 packs a block of 900,000 equal bytes into about 40.
_BZIP2_RATIO = 25_000
_LONGEST_NAME = 255


class Packing(StrEnum):
    """How samples are stored."""

    RAW = "raw"
    GZIP = "gzip"
    ZLIB = "zlib"
    BZIP2 = "bzip2"


def file_beside(path: Path, name: str) -> Path:
    """Find a file that a header names, which must lie in the header's own folder or below.

    Raises
    ------
    ReadError
        If the name is absolute or leads upwards, or there is no such file.
    """
    parts = Path(name).parts
    is_odd = not parts or Path(name).is_absolute() or ".." in parts or "\\" in name or "\0" in name or ":" in name
    if is_odd or len(name) > _LONGEST_NAME:
        raise ReadError(path, "keeps its samples in a file outside its own folder", "Move both into one folder.")
    found = path.parent / name
    if not found.resolve().is_relative_to(path.parent.resolve()):
        raise ReadError(path, "keeps its samples in a file outside its own folder", "Move both into one folder.")
    if found.exists() and found.samefile(path):
        raise ReadError(path, "names itself as the file of its samples", "It is damaged.")
    if not found.is_file():
        raise ReadError(path, f"keeps its samples in {found.name!r}, which is not there", "Copy both files.")
    return found


def read_samples(path: Path, start: int, n_bytes: int, packing: Packing, warnings: list[str]) -> ByteArray:
    """Read and unpack exactly so many bytes of samples.

    Parameters
    ----------
    start : int
        Where they begin in the file; negative takes them from its end (raw only).
    n_bytes : int
        What the header declares; next to nothing beyond is ever unpacked.
    warnings : list of str
        Told when the file goes on behind the samples.

    Raises
    ------
    ReadError
        If there are fewer, or they would not fit into memory.
    """
    size = check_file(path)
    if start < 0:
        start = max(size - n_bytes, 0)
    present = max(size - start, 0)
    if packing is Packing.BZIP2:
        check_declared(path, n_bytes, present * _BZIP2_RATIO)
    else:
        check_declared(path, n_bytes, present, is_compressed=packing is not Packing.RAW)
    if packing is Packing.RAW:
        if present > n_bytes:
            warnings.append(f"It goes on for {present - n_bytes} bytes behind its samples; they were left out.")
        return np.fromfile(path, np.uint8, n_bytes, offset=start)
    check_budget(path, n_bytes + present)
    with path.open("rb") as file:
        file.seek(start)
        packed = file.read()
    if packing is Packing.BZIP2:
        return _bunzip(path, packed, n_bytes)
    return inflate(path, packed, n_bytes, packing, warnings)


def inflate(path: Path, packed: bytes, n_bytes: int, packing: Packing, warnings: list[str]) -> ByteArray:
    """Unpack exactly so many bytes, checksums included.

    Where more is packed, up to 1 MiB of it is looked at, for the checksum behind it, and `warnings` is told.

    Raises
    ------
    ReadError
        If there are fewer, or they are damaged.
    """
    import imagecodecs

    decode = imagecodecs.gzip_decode if packing is Packing.GZIP else imagecodecs.deflate_decode
    out = np.empty(n_bytes, np.uint8)
    try:
        if len(decode(packed, out=memoryview(out))) == n_bytes:
            return out
    except (RuntimeError, ValueError):
        pass
    # Several members, more bytes than declared, or damage: the slow way tells which.
    return _inflate_in_steps(path, packed, n_bytes, packing, warnings)


def _inflate_in_steps(path: Path, packed: bytes, n_bytes: int, packing: Packing, warnings: list[str]) -> ByteArray:
    out = np.empty(n_bytes, np.uint8)
    n_read, n_more = 0, 0
    try:
        with _open_packed(packed, packing) as stream:
            while n_read < n_bytes and (chunk := stream.read(min(_CHUNK, n_bytes - n_read))):
                out[n_read : n_read + len(chunk)] = np.frombuffer(chunk, np.uint8)
                n_read += len(chunk)
            n_more = len(stream.read(_MOST_BEHIND)) if n_read == n_bytes else 0
    except (zlib.error, gzip.BadGzipFile, EOFError) as error:
        raise ReadError(path, f"has packed samples that are damaged ({error})", "Fetch it again.") from error
    if n_more:
        least = "at least " if n_more == _MOST_BEHIND else ""
        warnings.append(f"It goes on for {least}{n_more} bytes behind its samples; they were left out.")
    return out if n_read == n_bytes else _too_short(path, n_read, n_bytes)


def _open_packed(packed: bytes, packing: Packing) -> gzip.GzipFile | _ZlibStream:
    return gzip.GzipFile(fileobj=BytesIO(packed)) if packing is Packing.GZIP else _ZlibStream(packed)


class _ZlibStream:
    """A zlib stream that is read in steps; reading to its end compares the checksum."""

    def __init__(self, packed: bytes) -> None:
        self._inflater = zlib.decompressobj()
        self._packed = packed

    def __enter__(self) -> _ZlibStream:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def read(self, n_bytes: int) -> bytes:
        content = self._inflater.decompress(self._packed, n_bytes)
        self._packed = self._inflater.unconsumed_tail
        if not content and not self._inflater.eof:
            raise EOFError("the stream is cut off")
        return content


def _bunzip(path: Path, packed: bytes, n_bytes: int) -> ByteArray:
    try:
        content = bz2.BZ2Decompressor().decompress(packed, n_bytes)
    except OSError as error:
        raise ReadError(path, "is damaged: its packed samples cannot be unpacked", "Fetch it again.") from error
    return np.frombuffer(content, np.uint8) if len(content) == n_bytes else _too_short(path, len(content), n_bytes)


def _too_short(path: Path, found: int, declared: int) -> Any:
    raise ReadError(path, f"is truncated: it holds {found} of {declared} bytes of samples", "Fetch the file again.")
