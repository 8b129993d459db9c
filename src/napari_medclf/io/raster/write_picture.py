"""PNG and TIFF files: samples unchanged, place in the patient lost (TIFF keeps the spacing)."""

from __future__ import annotations

from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from napari_medclf.domain.arrays import PixelArray
from napari_medclf.domain.errors import WriteError
from napari_medclf.domain.geometry import Geometry, Unit
from napari_medclf.domain.image import ChannelKind
from napari_medclf.io.raster.picture import load_raster
from napari_medclf.io.raster.tiff import load_pages, page_geometry

_AXES = {ChannelKind.NONE: "ZYX", ChannelKind.COLOUR: "ZYXS", ChannelKind.TIME: "TZYX", ChannelKind.CHANNEL: "CZYX"}
_PNG_DTYPES = (np.dtype(np.uint8), np.dtype(np.uint16))


def encode_png(data: PixelArray, kind: ChannelKind, geometry: Geometry, file: BinaryIO) -> None:
    """Write one slice of 8 or 16 bits."""
    import imagecodecs

    if geometry.shape[0] != 1:
        raise WriteError(f"A PNG holds one slice, and {geometry.shape[0]} were given. Use .nii.gz or .tif.")
    if kind not in (ChannelKind.NONE, ChannelKind.COLOUR):
        raise WriteError(f"A PNG holds gray or RGB, and an image with {kind} channels was given. Use .nii.gz or .tif.")
    if data.dtype not in _PNG_DTYPES:
        raise WriteError(f"A PNG holds whole numbers of 8 or 16 bits, and {data.dtype} was given. Use .nii.gz or .tif.")
    picture = data[0] if kind is ChannelKind.NONE else np.moveaxis(data[:, 0], 0, -1)
    file.write(imagecodecs.png_encode(np.ascontiguousarray(picture)))


def decode_png(path: Path) -> tuple[PixelArray, Geometry]:
    """Read a PNG back for the comparison."""
    samples = load_raster(path).samples
    flat = samples[None] if samples.ndim == 2 else np.moveaxis(samples, -1, 0)[:, None]
    return flat, Geometry.flat(*flat.shape[-2:])


def encode_tiff(data: PixelArray, kind: ChannelKind, geometry: Geometry, file: BinaryIO) -> None:
    """Write an OME-TIFF, one page a slice."""
    import tifffile

    pages = np.moveaxis(data, 0, -1) if kind is ChannelKind.COLOUR else data
    tifffile.imwrite(
        file,
        np.ascontiguousarray(pages),
        ome=True,
        photometric="rgb" if kind is ChannelKind.COLOUR else "minisblack",
        compression="zlib",
        metadata={"axes": _AXES[kind], **_physical_size(geometry)},
    )


def decode_tiff(path: Path) -> tuple[PixelArray, Geometry]:
    """Read a TIFF back for the comparison."""
    pages = load_pages(path)
    return pages.samples, page_geometry(pages.samples.shape[-3:], pages.spacing)


def _physical_size(geometry: Geometry) -> dict[str, Any]:
    if geometry.unit is Unit.PIXEL:
        return {}
    sizes = dict(zip("ZYX", geometry.spacing, strict=True))
    units = {f"PhysicalSize{axis}Unit": "mm" for axis in sizes}
    return {f"PhysicalSize{axis}": size for axis, size in sizes.items()} | units
