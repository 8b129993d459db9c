"""The samples of NRRD files, in every encoding of the format."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_medclf.domain.errors import ReadError
from napari_medclf.io.volume.nrrd_header import TEXTS, NrrdHeader
from napari_medclf.io.volume.payload import Packing, file_beside, read_samples

_PACKINGS = {
    "raw": Packing.RAW,
    **dict.fromkeys(("gzip", "gz"), Packing.GZIP),
    **dict.fromkeys(("bzip2", "bz2"), Packing.BZIP2),
}
_MOST_LINES = 10_000


def read_nrrd_samples(header: NrrdHeader, warnings: list[str]) -> NDArray[Any]:
    """Read samples in C order: slowest axis first.

    Raises
    ------
    ReadError
        If there are fewer than declared, they lie in several files or outside the header's folder, or their
        encoding is not one of raw, gzip, bzip2, ascii and hex.
    """
    file, start = _place(header)
    dtype = header.dtype
    n_bytes = int(np.prod(header.sizes, dtype=object)) * dtype.itemsize
    start = _skip_lines(file, start, header.number("line skip"))
    skip = header.number("byte skip")
    encoding = header.fields["encoding"].lower()
    shape = header.sizes[::-1]
    if encoding in TEXTS or encoding == "hex":
        return _from_text(file, start + max(skip, 0), n_bytes, dtype, is_hex=encoding == "hex").reshape(shape)
    if encoding not in _PACKINGS:
        raise ReadError(header.path, "has an encoding that is none of raw, gzip, bzip2, ascii and hex")
    packing = _PACKINGS[encoding]
    if packing is Packing.RAW:
        return (
            read_samples(file, -1 if skip < 0 else start + skip, n_bytes, packing, warnings).view(dtype).reshape(shape)
        )
    if skip < 0:
        raise ReadError(header.path, f"has a byte skip of {skip}, which only samples that are not packed can have")
    inside = skip  # section 5: bytes are skipped after unpacking
    return read_samples(file, start, inside + n_bytes, packing, warnings)[inside:].view(dtype).reshape(shape)


def _place(header: NrrdHeader) -> tuple[Path, int]:
    name = header.fields.get("data file", header.fields.get("datafile"))
    if name is None:
        return header.path, header.end
    if name.upper().startswith("LIST") or "%" in name:
        raise ReadError(header.path, "keeps every slice in a file of its own", "Save it as one .nrrd.")
    return file_beside(header.path, name), 0


def _skip_lines(path: Path, start: int, n_lines: int) -> int:
    if not n_lines:
        return start
    if not 0 < n_lines <= _MOST_LINES:
        raise ReadError(path, f"is said to begin with {n_lines} lines of something else")
    with path.open("rb") as file:
        file.seek(start)
        for _ in range(n_lines):
            file.readline(2**20)
        return file.tell()


def _from_text(path: Path, start: int, n_bytes: int, dtype: np.dtype[Any], *, is_hex: bool) -> NDArray[Any]:
    n_samples = n_bytes // dtype.itemsize
    present = path.stat().st_size - start
    if present < (2 * n_bytes if is_hex else 2 * n_samples - 1):
        raise ReadError(path, f"is truncated: it declares {n_samples} samples", "Fetch the file again.")
    with path.open("rb") as file:
        file.seek(start)
        text = file.read().decode("ascii", "replace")
    if is_hex:
        return np.frombuffer(bytes.fromhex("".join(text.split()))[:n_bytes], dtype)
    words = re.split(r"[\s,]+", text.strip())
    if len(words) < n_samples:
        raise ReadError(path, f"is truncated: it holds {len(words)} of {n_samples} samples", "Fetch the file again.")
    native = dtype.newbyteorder("=")
    return np.array(words[:n_samples], dtype=native if dtype.kind in "iu" else np.float64).astype(native)
