"""NRRD files with attached gzip data, as 3D Slicer reads them."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

import numpy as np

from napari_medclf.domain.arrays import FloatArray, PixelArray
from napari_medclf.domain.errors import WriteError
from napari_medclf.domain.geometry import Geometry, Unit
from napari_medclf.domain.image import ChannelKind
from napari_medclf.io.volume.nrrd import pack, read_nrrd

_TYPES = {
    "i1": "int8", "u1": "uint8", "i2": "int16", "u2": "uint16", "i4": "int32", "u4": "uint32",
    "i8": "int64", "u8": "uint64", "f4": "float", "f8": "double",
}  # fmt: skip


def encode(data: PixelArray, kind: ChannelKind, geometry: Geometry, file: BinaryIO) -> None:
    """Write (k, j, i) samples with the fastest axis first, as NRRD counts them; channels last of all."""
    little = np.ascontiguousarray(data, dtype=data.dtype.newbyteorder("<"))
    type_name = _TYPES.get(little.dtype.str[1:])
    if type_name is None:
        raise WriteError(f"NRRD cannot hold samples of {data.dtype}.")
    file.write(_header(type_name, data.shape, kind, geometry).encode("ascii"))
    file.write(pack(little.tobytes()))


def decode(path: Path) -> tuple[PixelArray, Geometry]:
    """Read a file back for the comparison."""
    image = read_nrrd(path)
    return image.data, image.geometry


def _header(type_name: str, shape: tuple[int, ...], kind: ChannelKind, geometry: Geometry) -> str:
    has_channels = kind is not ChannelKind.NONE
    lines = [
        "NRRD0004",
        f"type: {type_name}",
        f"dimension: {len(shape)}",
        f"sizes: {' '.join(str(n) for n in shape[::-1])}",
        "endian: little",
        "encoding: gzip",
        f"kinds: domain domain domain{' list' if has_channels else ''}",
    ]
    if geometry.unit is Unit.MILLIMETRE:
        columns = [geometry.affine[:3, axis] for axis in (2, 1, 0)]
        lines += [
            "space: left-posterior-superior",
            f"space directions: {' '.join(_vector(column) for column in columns)}{' none' if has_channels else ''}",
            f"space origin: {_vector(geometry.affine[:3, 3])}",
        ]
    return "\n".join(lines) + "\n\n"


def _vector(values: FloatArray) -> str:
    return "(" + ",".join(repr(float(value)) for value in values) + ")"
