"""NRRD files with attached data (the format of 3D Slicer), raw or gzip."""

from __future__ import annotations

import gzip
import re
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_medclf.domain.arrays import FloatArray
from napari_medclf.domain.errors import ReadError
from napari_medclf.domain.geometry import Geometry, Unit
from napari_medclf.domain.image import ChannelKind, MedImage, Source
from napari_medclf.io.preflight import check_declared, check_file, refusing
from napari_medclf.io.sniff import name_of
from napari_medclf.io.window import robust_window

_MOST_HEADER = 1_000_000
# Teem's names, http://teem.sourceforge.net/nrrd/format.html section 5.
_DTYPES = {
    **dict.fromkeys(("signed char", "int8", "int8_t"), "i1"),
    **dict.fromkeys(("uchar", "unsigned char", "uint8", "uint8_t"), "u1"),
    **dict.fromkeys(("short", "short int", "signed short", "signed short int", "int16", "int16_t"), "i2"),
    **dict.fromkeys(("ushort", "unsigned short", "unsigned short int", "uint16", "uint16_t"), "u2"),
    **dict.fromkeys(("int", "signed int", "int32", "int32_t"), "i4"),
    **dict.fromkeys(("uint", "unsigned int", "uint32", "uint32_t"), "u4"),
    **dict.fromkeys(("longlong", "long long", "long long int", "int64", "int64_t"), "i8"),
    **dict.fromkeys(("ulonglong", "unsigned long long", "uint64", "uint64_t"), "u8"),
    "float": "f4",
    "double": "f8",
}
# The world axes of each space, as factors that lead to LPS.
_TO_LPS = {
    "left-posterior-superior": (1, 1, 1),
    "lps": (1, 1, 1),
    "right-anterior-superior": (-1, -1, 1),
    "ras": (-1, -1, 1),
    "left-anterior-superior": (1, -1, 1),
    "las": (1, -1, 1),
}
_SPATIAL_KINDS = ("domain", "space", "???", "none", "")
"""What an axis is called that runs through space."""


def read_nrrd(path: Path) -> MedImage:
    """Read a 2-D, 3-D or 4-D file; an axis that is not spatial becomes channels.

    Raises
    ------
    ReadError
        If it is damaged, its data lies in another file, or its world frame is not the patient's.
    """
    size = check_file(path)
    with refusing(path, "cannot be read as NRRD"):
        fields, start = _read_header(path)
        dtype = _dtype(path, fields)
        sizes = [int(n) for n in fields["sizes"].split()]
        is_packed = fields.get("encoding", "").lower() in ("gzip", "gz")
        n_bytes = int(np.prod(sizes, dtype=object)) * dtype.itemsize
        check_declared(path, n_bytes, size - start, is_compressed=is_packed)
        stored = np.frombuffer(_payload(path, fields, start, n_bytes), dtype).reshape(sizes[::-1])
        return _image(path, stored, fields)


def _read_header(path: Path) -> tuple[dict[str, str], int]:
    with path.open("rb") as file:
        raw = file.read(_MOST_HEADER)
    end = re.search(rb"\r?\n\r?\n", raw)
    if not raw.startswith(b"NRRD") or end is None:
        raise ReadError(path, "has no complete NRRD header")
    fields = {}
    for line in raw[: end.start()].decode("ascii", "replace").splitlines()[1:]:
        if not line.startswith("#") and ": " in line:
            name, _, value = line.partition(": ")
            fields[name.strip().lower()] = value.strip()
    missing = [name for name in ("type", "dimension", "sizes", "encoding") if name not in fields]
    if missing:
        raise ReadError(path, f"lacks the NRRD fields {', '.join(missing)}")
    if "data file" in fields or "datafile" in fields:
        raise ReadError(path, "keeps its samples in another file", "Save it with attached data (.nrrd).")
    return fields, end.end()


def _dtype(path: Path, fields: dict[str, str]) -> np.dtype[Any]:
    code = _DTYPES.get(fields["type"].lower())
    if code is None:
        raise ReadError(path, f"has samples of the type {fields['type']!r}, which is not read")
    return np.dtype(code).newbyteorder(">" if fields.get("endian", "little").lower() == "big" else "<")


def _payload(path: Path, fields: dict[str, str], start: int, n_bytes: int) -> bytes:
    encoding = fields["encoding"].lower()
    with path.open("rb") as file:
        file.seek(start)
        if encoding == "raw":
            content = file.read(n_bytes)
        elif encoding in ("gzip", "gz"):
            with gzip.open(file) as packed:
                content = packed.read(n_bytes)
        else:
            raise ReadError(path, f"has the encoding {encoding!r}, and raw or gzip was expected")
    if len(content) < n_bytes:
        raise ReadError(path, f"is truncated: it holds {len(content)} of {n_bytes} bytes of samples")
    return content


def _image(path: Path, stored: NDArray[Any], fields: dict[str, str]) -> MedImage:
    samples = stored.astype(stored.dtype.newbyteorder("="))
    kinds = [kind.lower() for kind in fields.get("kinds", "").split()] or ["domain"] * samples.ndim
    others = [axis for axis, kind in enumerate(kinds) if kind not in _SPATIAL_KINDS]
    if len(others) > 1 or samples.ndim - len(others) not in (2, 3):
        raise ReadError(path, f"has the axes {', '.join(kinds)} of sizes {fields['sizes']}")
    if others:
        samples = np.moveaxis(samples, samples.ndim - 1 - others[0], 0)
    if samples.ndim - len(others) == 2:
        samples = np.expand_dims(samples, len(others))
    warnings: list[str] = []
    affine, unit = _affine(path, fields, others, warnings)
    return MedImage(
        data=np.ascontiguousarray(samples),
        geometry=Geometry(affine, samples.shape[-3:], unit=unit),
        name=name_of(path),
        channel_kind=ChannelKind.CHANNEL if others else ChannelKind.NONE,
        window=robust_window(samples),
        source=Source(path),
        warnings=tuple(warnings),
    )


def _affine(path: Path, fields: dict[str, str], others: list[int], warnings: list[str]) -> tuple[FloatArray, Unit]:
    if "space directions" not in fields:
        steps = [float(step) for axis, step in enumerate(fields.get("spacings", "").split()) if axis not in others]
        warnings.append("It has no place in the patient; its axes were taken as Left, Posterior, Superior.")
        i, j, k = (*steps, 1.0, 1.0, 1.0)[:3] if steps else (1.0, 1.0, 1.0)
        return Geometry.from_spacing((1, 1, 1), (k, j, i)).affine, Unit.MILLIMETRE if steps else Unit.PIXEL
    space = fields.get("space", "").lower()
    if space not in _TO_LPS:
        raise ReadError(path, f"lies in the space {space or 'without a name'!r}, and a patient's was expected")
    directions = [_vector(path, text) for text in _vectors(fields["space directions"]) if text != "none"]
    origin = _vector(path, fields.get("space origin", "(0,0,0)"))
    if len(directions) != 3 or any(len(vector) != 3 for vector in (*directions, origin)):
        raise ReadError(path, f"has the space directions {fields['space directions']}, and three vectors were expected")
    affine = np.eye(4)
    affine[:3, :3] = np.array(directions[::-1]).T
    affine[:3, 3] = origin
    return np.diag([*_TO_LPS[space], 1.0]) @ affine, Unit.MILLIMETRE


def _vectors(text: str) -> list[str]:
    return re.findall(r"none|\([^)]*\)", text)


def _vector(path: Path, text: str) -> list[float]:
    try:
        return [float(number) for number in text.strip("() ").split(",")]
    except ValueError:
        raise ReadError(path, f"has the vector {text!r}, and numbers were expected") from None


def pack(content: bytes) -> bytes:
    """Compress samples as gzip, the same bytes for the same samples."""
    packer = zlib.compressobj(3, zlib.DEFLATED, 31)
    return packer.compress(content) + packer.flush()
