"""The header of NIfTI-1 and NIfTI-2 files, checked before anything is believed."""

from __future__ import annotations

import gzip
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from napari_medclf.domain.errors import ReadError
from napari_medclf.io.preflight import read_head
from napari_medclf.io.volume.payload import Packing

GZIP_MAGIC = b"\x1f\x8b"

_SIZES = {348: "Nifti1Header", 540: "Nifti2Header"}
_FIRST_BYTES = 540
_MOST_EXTENSION = 2**24
_PAIR = (b"ni1", b"ni2")
_COMPLEX = (32, 1792, 2048)
_RGB, _RGBA = 128, 2304
_DTYPES = {
    2: "u1", 4: "i2", 8: "i4", 16: "f4", 64: "f8", _RGB: "u1", 256: "i1", 512: "u2", 768: "u4", 1024: "i8", 1280: "u8",
    _RGBA: "u1",
}  # fmt: skip
_COLOURS = {_RGB: 3, _RGBA: 4}


@dataclass(frozen=True, eq=False)
class Header:
    """What a header says, checked for sense.

    Parameters
    ----------
    fields :
        nibabel's header, for its forms and units.
    shape : tuple of int
        (i, j, k, t, vector ...) as stored, all positive.
    n_colours : int
        3 for RGB, 4 for RGBA samples, else 0.
    samples_path, start, packing :
        Where the samples are.
    """

    path: Path
    fields: Any
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    n_colours: int
    samples_path: Path
    start: int
    packing: Packing

    @property
    def stored_shape(self) -> tuple[int, ...]:
        """Shape of the samples in C order: slowest axis first, colours last."""
        return (*self.shape[::-1], *((self.n_colours,) if self.n_colours else ()))

    @property
    def n_bytes(self) -> int:
        """What the samples take."""
        return int(np.prod(self.stored_shape, dtype=object)) * self.dtype.itemsize


def read_header(path: Path, warnings: list[str]) -> Header:
    """Read and check a header; a single file, or the .hdr of a pair.

    Raises
    ------
    ReadError
        If it is cut off, contradicts itself, or its samples are of a type that is not read.
    """
    raw, packing = first_bytes(path, _FIRST_BYTES)
    fields = _parse(path, raw)
    shape = _shape(path, fields)
    dtype, n_colours = _dtype(path, fields, warnings)
    is_pair = bytes(fields["magic"].item())[:3] in _PAIR
    samples_path, packing = _samples_file(path) if is_pair else (path, packing)
    start = _start(path, fields, is_pair, warnings)
    return Header(path, fields, shape, dtype, n_colours, samples_path, start, packing)


def first_bytes(path: Path, n_bytes: int) -> tuple[bytes, Packing]:
    """Read the beginning of a file, unpacked where it is packed."""
    raw = read_head(path, n_bytes)
    if not raw.startswith(GZIP_MAGIC):
        return raw, Packing.RAW
    try:
        with gzip.open(path) as stream:
            return stream.read(n_bytes), Packing.GZIP
    except (zlib.error, gzip.BadGzipFile, EOFError) as error:
        raise ReadError(path, "is damaged: it cannot be unpacked", "Fetch it again.") from error


def extensions(header: Header) -> list[tuple[int, bytes]]:
    """Read what stands between header and samples: (code, content) pairs; damaged ones are left out."""
    size = int(header.fields["sizeof_hdr"])
    if header.samples_path != header.path or not size + 4 < header.start <= _MOST_EXTENSION:
        return []
    raw, _ = first_bytes(header.path, header.start)
    found, at = [], size + 4
    order = "little" if header.fields.endianness == "<" else "big"
    while raw[size : size + 1] == b"\1" and at + 8 <= len(raw):
        n_bytes, code = (int.from_bytes(raw[place : place + 4], order) for place in (at, at + 4))  # type: ignore[arg-type]
        if n_bytes < 16 or at + n_bytes > len(raw):
            break
        found.append((code, raw[at + 8 : at + n_bytes]))
        at += n_bytes
    return found


def _parse(path: Path, raw: bytes) -> Any:
    import nibabel as nib

    sizes = [int.from_bytes(raw[:4], order) for order in ("little", "big")]
    size = next((one for one in sizes if one in _SIZES), None)
    if size is None or len(raw) < size:
        raise ReadError(path, f"is truncated: {len(raw)} bytes are no NIfTI header", "Fetch it again.")
    order = "<" if sizes[0] == size else ">"
    return getattr(nib, _SIZES[size])(raw[:size], endianness=order, check=False)


def _shape(path: Path, fields: Any) -> tuple[int, ...]:
    dim = [int(n) for n in fields["dim"]]
    shape = tuple(dim[1 : 1 + dim[0]]) if 1 <= dim[0] <= 7 else ()
    if not shape or min(shape) < 1:
        raise ReadError(
            path, f"declares {dim[0]} axes of sizes {tuple(dim[1:])}, and 1 to 7 positive ones were expected"
        )
    while len(shape) > 3 and shape[-1] == 1:
        shape = shape[:-1]
    return (*shape, 1, 1)[: max(len(shape), 3)]


def _dtype(path: Path, fields: Any, warnings: list[str]) -> tuple[np.dtype[Any], int]:
    code, bits = int(fields["datatype"]), int(fields["bitpix"])
    if code in _COMPLEX:
        raise ReadError(path, "holds complex numbers", "Convert it to a magnitude image.")
    if code not in _DTYPES:
        raise ReadError(path, f"has samples of the NIfTI type {code}, which is not read", "Convert it to float32.")
    n_colours = _COLOURS.get(code, 0)
    dtype = np.dtype(_DTYPES[code]).newbyteorder(fields.endianness)
    expected = 8 * dtype.itemsize * max(n_colours, 1)
    if bits == 0:
        warnings.append("Its header leaves out how many bits a sample has; the type of the samples was believed.")
    elif bits != expected:
        raise ReadError(path, f"says that a sample has {bits} bits, and its type has {expected}", "It is damaged.")
    return dtype, n_colours


def _samples_file(path: Path) -> tuple[Path, Packing]:
    for suffix, packing in ((".img", Packing.RAW), (".IMG", Packing.RAW), (".img.gz", Packing.GZIP)):
        if path.with_suffix(suffix).is_file():
            return path.with_suffix(suffix), packing
    raise ReadError(path, f"has no {path.with_suffix('.img').name} beside it, which holds the samples")


def _start(path: Path, fields: Any, is_pair: bool, warnings: list[str]) -> int:
    value = float(fields["vox_offset"])
    least = 0 if is_pair else int(fields["sizeof_hdr"])
    if value == 0 and not is_pair:
        warnings.append("Its header does not say where the samples begin; they were taken to follow it.")
        return least + 4
    if not np.isfinite(value) or value < least or value != int(value):
        raise ReadError(path, f"says that its samples begin at byte {value:g}, inside the header", "It is damaged.")
    return int(value)
