"""Analyze 7.5 files (.hdr with .img), which do not tell left from right."""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from napari_medclf.domain.arrays import FloatArray, PixelArray
from napari_medclf.domain.errors import ReadError
from napari_medclf.domain.geometry import Geometry
from napari_medclf.domain.image import ChannelKind, MedImage, Scale, Source
from napari_medclf.io.preflight import read_head, refusing
from napari_medclf.io.sniff import name_of
from napari_medclf.io.volume.payload import Packing, read_samples
from napari_medclf.io.window import robust_window

_HEADER_BYTES = 348
_RGB = 128
_DTYPES = {2: "u1", 4: "i2", 8: "i4", 16: "f4", 64: "f8", _RGB: "u1"}
# Offsets of the fields in the header (Mayo Clinic, ANALYZE 7.5 file format; SPM's use of two of them).
_VOX_UNITS, _ORIENT = 56, 252
_DIM, _DATATYPE, _PIXDIM, _VOX_OFFSET, _SPM_SCALE, _SPM_ORIGIN = 40, 70, 76, 108, 112, 253
_MM_PER_UNIT = {b"cm": 10.0, b"um": 1e-3}
_PLANES = {1: "coronal", 2: "sagittal", 3: "axial, flipped", 4: "coronal, flipped", 5: "sagittal, flipped"}
_SIDES = (
    "Analyze files do not tell left from right: its axes were taken as Left, Anterior, Superior, as SPM does; check a "
    "side that you know."
)


@dataclass(frozen=True)
class _Header:
    order: Literal["<", ">"]
    shape: tuple[int, ...]
    steps_mm: tuple[float, ...]
    datatype: int
    start: int
    scale: float
    spm_origin: tuple[int, ...]
    orient: int
    mm_per_unit: float


def read_analyze(path: Path) -> MedImage:
    """Read a 3-D or 4-D image by its .hdr; a fourth axis becomes time.

    The format does not say which side is left. Axes are taken as SPM and nibabel take them: i towards Left,
    j towards Anterior, k towards Superior; a warning says so.

    Raises
    ------
    ReadError
        If it is damaged, or there is no .img beside it.
    """
    warnings: list[str] = []
    with refusing(path, "cannot be read as Analyze"):
        header = _parse(path, read_head(path, _HEADER_BYTES))
        data, kind = _arrange(_samples(path, header, warnings), header)
        geometry = Geometry(_affine(header), data.shape[-3:])
        warnings += _oddities(path, header)
    is_colour = kind is ChannelKind.COLOUR
    return MedImage(
        data=data,
        geometry=geometry,
        name=name_of(path),
        scale=Scale.DISPLAY if is_colour else Scale.RAW,
        channel_kind=kind,
        channel_names=("red", "green", "blue") if is_colour else (),
        window=None if is_colour else robust_window(data),
        source=Source(path),
        warnings=(_SIDES, *warnings),
    )


def analyze_geometry(path: Path) -> tuple[tuple[int, ...], Geometry]:
    """Read the size, (K, J, I) or (C, K, J, I), and the grid from the .hdr alone.

    Raises
    ------
    ReadError
        If the header is damaged.
    """
    with refusing(path, "cannot be read as Analyze"):
        header = _parse(path, read_head(path, _HEADER_BYTES))
        i, j, k = (*header.shape, 1)[:3]
        geometry = Geometry(_affine(header), (k, j, i))
    n_channels = math.prod(header.shape[3:]) * (3 if header.datatype == _RGB else 1)
    return (n_channels,) * (n_channels > 1) + (k, j, i), geometry


def _parse(path: Path, head: bytes) -> _Header:
    if len(head) < _HEADER_BYTES:
        raise ReadError(path, f"is truncated: {len(head)} bytes are too few for an Analyze header", "Fetch it again.")
    order: Literal["<", ">"] = "<" if head[:4] == b"\x5c\x01\0\0" else ">"
    n_axes, *sizes = struct.unpack_from(f"{order}8h", head, _DIM)
    if not 2 <= n_axes <= 7 or any(n < 1 for n in sizes[:n_axes]):
        raise ReadError(path, f"declares {n_axes} axes of sizes {sizes}")
    (datatype,) = struct.unpack_from(f"{order}h", head, _DATATYPE)
    if datatype not in _DTYPES:
        raise ReadError(path, f"has samples of the type {datatype}, which is not read")
    steps = struct.unpack_from(f"{order}8f", head, _PIXDIM)[1:4]
    vox_offset, scale = struct.unpack_from(f"{order}2f", head, _VOX_OFFSET)
    origin = struct.unpack_from(f"{order}3h", head, _SPM_ORIGIN)
    is_scale = np.isfinite(scale) and scale not in (0.0, 1.0)
    if not 0 <= vox_offset < 2**31:
        raise ReadError(path, f"says that its samples begin at byte {vox_offset:g}", "It is damaged.")
    start = int(vox_offset)
    mm_per_unit = _MM_PER_UNIT.get(head[_VOX_UNITS : _VOX_UNITS + 4].rstrip(b"\0 "), 1.0)
    steps = tuple(step * mm_per_unit for step in steps)
    slope = scale if is_scale else 1.0
    return _Header(order, tuple(sizes[:n_axes]), steps, datatype, start, slope, origin, head[_ORIENT], mm_per_unit)


def _oddities(path: Path, header: _Header) -> list[str]:
    """Say what would place the image elsewhere, and is not followed."""
    notes = []
    if header.mm_per_unit != 1.0:
        notes.append("Its lengths were converted to millimetres.")
    if header.orient in _PLANES:
        notes.append(f"Its orient field says {_PLANES[header.orient]}; as SPM does, it was not followed.")
    if path.with_suffix(".mat").is_file():
        notes.append("The .mat file beside it, which holds its place in SPM, was not read.")
    return notes


def _samples(path: Path, header: _Header, warnings: list[str]) -> NDArray[Any]:
    file = next((one for one in (path.with_suffix(".img"), path.with_suffix(".IMG")) if one.is_file()), None)
    if file is None:
        raise ReadError(path, f"has no {path.with_suffix('.img').name} beside it, which holds the samples")
    dtype = np.dtype(_DTYPES[header.datatype]).newbyteorder(header.order)
    shape = (*header.shape[::-1], 3) if header.datatype == _RGB else header.shape[::-1]
    n_bytes = int(np.prod(shape, dtype=object)) * dtype.itemsize
    return read_samples(file, header.start, n_bytes, Packing.RAW, warnings).view(dtype).reshape(shape)


def _arrange(stored: NDArray[Any], header: _Header) -> tuple[PixelArray, ChannelKind]:
    samples = stored.astype(stored.dtype.newbyteorder("="), copy=False)
    if header.scale != 1.0:
        samples = samples.astype(np.float32) * np.float32(header.scale)
    if header.datatype == _RGB:
        samples = np.moveaxis(samples, -1, 0)
        return np.ascontiguousarray(samples.reshape(3, -1, *samples.shape[-2:])), ChannelKind.COLOUR
    while samples.ndim > 3 and samples.shape[0] == 1:
        samples = samples[0]
    if samples.ndim == 2:
        samples = samples[None]
    if samples.ndim > 3:
        return np.ascontiguousarray(samples.reshape(-1, *samples.shape[-3:])), ChannelKind.TIME
    return np.ascontiguousarray(samples), ChannelKind.NONE


def _affine(header: _Header) -> FloatArray:
    """Affine of (k, j, i) to LPS, with the SPM origin, or the centre of the volume, at 0 mm."""
    sizes = np.array([*header.shape, 1, 1][:3], dtype=np.float64)
    steps = np.abs(np.array(header.steps_mm, dtype=np.float64))
    steps[len(header.shape) :] = 1.0
    steps[(steps == 0) & (sizes == 1)] = 1.0
    origin = np.array(header.spm_origin, dtype=np.float64)
    is_plausible = origin.any() and (origin > -sizes).all() and (origin < 2 * sizes).all()
    centre = origin - 1 if is_plausible else (sizes - 1) / 2
    i_step, j_step, k_step = steps
    affine = np.eye(4)
    affine[:3, :3] = [[0, 0, i_step], [0, -j_step, 0], [k_step, 0, 0]]
    affine[:3, 3] = -affine[:3, :3] @ centre[::-1]
    return affine
