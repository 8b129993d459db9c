"""PNG and TIFF files: samples unchanged, place in the patient lost (TIFF keeps the spacing)."""

from __future__ import annotations

import struct
import zlib
from typing import Any, BinaryIO

import numpy as np

from napari_medclf.domain.errors import WriteError
from napari_medclf.domain.geometry import Geometry, Unit
from napari_medclf.domain.image import ChannelKind
from napari_medclf.io.contents import Contents

_AXES = {ChannelKind.NONE: "ZYX", ChannelKind.COLOUR: "ZYXS", ChannelKind.TIME: "TZYX", ChannelKind.CHANNEL: "CZYX"}
_PNG_DTYPES = (np.dtype(np.uint8), np.dtype(np.uint16))
_PNG_MAGIC = b"\x89PNG\r\n\x1a\n"
_GRAY, _RGB = 0, 2
_LEVEL = 6


def encode_png(contents: Contents, file: BinaryIO) -> None:
    """Write one slice of 8 or 16 bits (ISO/IEC 15948).

    Raises
    ------
    WriteError
        If there are several slices, or the samples are no gray or RGB of 8 or 16 bits.
    """
    data, kind = contents.data, contents.kind
    if contents.geometry.shape[0] != 1:
        raise WriteError(f"A PNG holds one slice, and {contents.geometry.shape[0]} were given. Use .nii.gz or .tif.")
    if kind not in (ChannelKind.NONE, ChannelKind.COLOUR):
        raise WriteError(f"A PNG holds gray or RGB, and an image with {kind} channels was given. Use .nii.gz or .tif.")
    if data.dtype not in _PNG_DTYPES:
        raise WriteError(f"A PNG holds whole numbers of 8 or 16 bits, and {data.dtype} was given. Use .nii.gz or .tif.")
    picture = data[0][..., None] if kind is ChannelKind.NONE else np.moveaxis(data[:, 0], 0, -1)
    rows, columns, n_channels = picture.shape
    big = np.ascontiguousarray(picture, dtype=picture.dtype.newbyteorder(">"))
    n_bytes = n_channels * big.itemsize
    lines = big.view(np.uint8).reshape(rows, columns * n_bytes)
    colour_type = _GRAY if n_channels == 1 else _RGB
    file.write(_PNG_MAGIC)
    _chunk(file, b"IHDR", struct.pack(">2I5B", columns, rows, 8 * big.itemsize, colour_type, 0, 0, 0))
    _chunk(file, b"IDAT", zlib.compress(_filtered(lines, n_bytes, is_smooth=contents.schema is None), _LEVEL))
    _chunk(file, b"IEND", b"")


def encode_tiff(contents: Contents, file: BinaryIO) -> None:
    """Write an OME-TIFF, one page a slice."""
    import tifffile

    is_colour = contents.kind is ChannelKind.COLOUR
    pages = np.moveaxis(contents.data, 0, -1) if is_colour else contents.data
    tifffile.imwrite(
        file,
        np.ascontiguousarray(pages),
        ome=True,
        byteorder="<",
        photometric="rgb" if is_colour else "minisblack",
        compression="zlib",
        metadata={"axes": _AXES[contents.kind], **_physical_size(contents.geometry)},
    )


def _filtered(lines: Any, n_bytes: int, *, is_smooth: bool) -> bytes:
    """Put each line's filter type in front; pictures pack better as differences, labels as they are."""
    out = np.empty((lines.shape[0], lines.shape[1] + 1), np.uint8)
    out[:, 0] = 1 if is_smooth else 0
    out[:, 1:] = lines
    if is_smooth:
        out[:, 1 + n_bytes :] -= lines[:, :-n_bytes]
    return out.tobytes()


def _chunk(file: BinaryIO, name: bytes, content: bytes) -> None:
    file.write(struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content)))


def _physical_size(geometry: Geometry) -> dict[str, Any]:
    if geometry.unit is Unit.PIXEL:
        return {}
    sizes = dict(zip("ZYX", geometry.spacing, strict=True))
    units = {f"PhysicalSize{axis}Unit": "mm" for axis in sizes}
    return {f"PhysicalSize{axis}": size for axis, size in sizes.items()} | units
