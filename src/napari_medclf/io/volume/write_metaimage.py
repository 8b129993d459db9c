"""MetaImage files with attached, packed samples (.mha), as ITK reads them."""

from __future__ import annotations

import zlib
from typing import BinaryIO

import numpy as np

from napari_medclf.domain.arrays import FloatArray
from napari_medclf.domain.errors import WriteError
from napari_medclf.domain.geometry import Unit
from napari_medclf.domain.image import ChannelKind
from napari_medclf.io.contents import Contents
from napari_medclf.io.volume.metaimage import PIXEL_UNIT_MARK

_TYPES = {
    "i1": "MET_CHAR", "u1": "MET_UCHAR", "i2": "MET_SHORT", "u2": "MET_USHORT", "i4": "MET_INT", "u4": "MET_UINT",
    "i8": "MET_LONG_LONG", "u8": "MET_ULONG_LONG", "f4": "MET_FLOAT", "f8": "MET_DOUBLE",
}  # fmt: skip
_LEVEL = 3


def encode(contents: Contents, file: BinaryIO) -> None:
    """Write (k, j, i) samples with the fastest axis first; channels are interleaved, times are a fourth axis.

    Raises
    ------
    WriteError
        If MetaImage has no type for the samples.
    """
    data = contents.data
    if contents.kind in (ChannelKind.COLOUR, ChannelKind.CHANNEL):
        data = np.moveaxis(data, 0, -1)
    little = np.ascontiguousarray(data, dtype=data.dtype.newbyteorder("<"))
    type_name = _TYPES.get(little.dtype.str[1:])
    if type_name is None:
        raise WriteError(f"MetaImage cannot hold samples of {contents.data.dtype}.")
    packed = zlib.compress(little.tobytes(), _LEVEL)
    file.write(_header(contents, type_name, len(packed)).encode("ascii"))
    file.write(packed)


def _header(contents: Contents, type_name: str, n_packed: int) -> str:
    is_time = contents.kind is ChannelKind.TIME
    n_channels = len(contents.data) if contents.data.ndim == 4 and not is_time else 1
    shape = contents.data.shape if is_time else contents.geometry.shape
    n_axes = len(shape)
    rows = np.eye(n_axes)
    # ITK reads row n of the matrix as the direction of axis n; its axes run (i, j, k).
    rows[:3, :3] = contents.geometry.directions.T[::-1]
    steps, origin = np.ones(n_axes), np.zeros(n_axes)
    steps[:3] = contents.geometry.spacing[::-1]
    origin[:3] = contents.geometry.affine[:3, 3]
    lines = [
        "ObjectType = Image",
        f"NDims = {n_axes}",
        *([f"Comment = {PIXEL_UNIT_MARK}"] if contents.geometry.unit is Unit.PIXEL else []),
        "BinaryData = True",
        "BinaryDataByteOrderMSB = False",
        "CompressedData = True",
        f"CompressedDataSize = {n_packed}",
        f"TransformMatrix = {_numbers(rows)}",
        f"Offset = {_numbers(origin)}",
        f"CenterOfRotation = {' '.join('0' * n_axes)}",
        f"ElementSpacing = {_numbers(steps)}",
        f"DimSize = {' '.join(str(n) for n in shape[::-1])}",
        *([f"ElementNumberOfChannels = {n_channels}"] if n_channels > 1 else []),
        f"ElementType = {type_name}",
        "ElementDataFile = LOCAL",
    ]
    return "\n".join(lines) + "\n"


def _numbers(values: FloatArray) -> str:
    return " ".join(repr(float(value)) for value in values.ravel())
