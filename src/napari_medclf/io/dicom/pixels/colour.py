"""Colour pictures: RGB, YBR and palettes become red, green and blue."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_medclf.domain.arrays import PixelArray
from napari_medclf.domain.errors import ReadError
from napari_medclf.io.dicom.header import Header
from napari_medclf.io.dicom.layout import Pixels
from napari_medclf.io.dicom.pixels.palette import Palette, find_palette
from napari_medclf.io.dicom.pixels.planes import fetch, is_packed, planes_of
from napari_medclf.io.dicom.pixels.stored import meant
from napari_medclf.io.dicom.pixels.ybr import spread_422, ybr_to_rgb
from napari_medclf.io.dicom.quiet import quiet
from napari_medclf.io.preflight import check_budget, refusing

_PALETTE = "PALETTE COLOR"
_READ = ("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_RCT", "YBR_ICT", _PALETTE)
_NAMED = (*_READ, "MONOCHROME1", "MONOCHROME2", "HSV", "ARGB", "CMYK", "YBR_PARTIAL_420", "YBR_PARTIAL_422", "XYB")


def read_colour(headers: Sequence[Header]) -> PixelArray:
    """Read (3, n_planes, J, I) samples of 8 or 16 bits, white is the highest; the frames of a film are planes.

    Raises
    ------
    ReadError
        If a file cannot be decoded, or its colours are of a kind that is not read.
    """
    pixels = headers[0].pixels
    planes = planes_of(headers)
    converters = {header.path: rgb_converter(header) for header in headers}
    dtype = colour_dtype(pixels)
    check_budget(headers[0].path, 3 * len(planes) * pixels.rows * pixels.columns * dtype.itemsize)
    volume = np.empty((3, len(planes), pixels.rows, pixels.columns), dtype)

    def put(n: int, stored: NDArray[Any]) -> None:
        volume[:, n] = np.moveaxis(converters[planes[n].header.path](stored), -1, 0)

    fetch(planes, put)
    return volume


def colour_dtype(pixels: Pixels) -> np.dtype[Any]:
    """Type of colours: those of a palette have eight bits."""
    return np.dtype(np.uint8 if pixels.bits_allocated == 8 or pixels.photometric == _PALETTE else np.uint16)


def rgb_converter(header: Header) -> Callable[[NDArray[Any]], NDArray[Any]]:
    """Give the function that brings stored samples of a plane to ``(J, I, 3)`` RGB.

    Raises
    ------
    ReadError
        If the colour space is not read, or a palette is damaged.
    """
    pixels = header.pixels
    if pixels.photometric not in _READ or (pixels.photometric == _PALETTE) != (pixels.samples_per_pixel == 1):
        named = f"the colour space {pixels.photometric}" if pixels.photometric in _NAMED else "an unknown colour space"
        raise ReadError(header.path, f"has {named} with {pixels.samples_per_pixel} samples a pixel, which is not read")
    if pixels.bits_allocated not in (8, 16) or pixels.is_float or (pixels.is_signed and pixels.photometric != _PALETTE):
        raise ReadError(header.path, f"has colours of {pixels.bits_allocated} bits or with a sign, which are not read")
    if pixels.photometric == "YBR_FULL_422" and not is_packed(pixels) and pixels.columns % 2:
        raise ReadError(header.path, f"shares colours between pairs of pixels, but has {pixels.columns} columns")
    palette = _read_palette(header) if pixels.photometric == _PALETTE else None
    notes: set[str] = set()

    def convert(stored: NDArray[Any]) -> NDArray[Any]:
        if palette is not None:
            return palette.apply(meant(stored, pixels, notes))
        stored = meant(stored, pixels, notes)
        return _full_range(stored if is_packed(pixels) else _as_rgb(stored, pixels), pixels)

    return convert


def _as_rgb(stored: NDArray[Any], pixels: Pixels) -> NDArray[Any]:
    """Put in order what is not packed; decoders give RGB by themselves."""
    if pixels.photometric == "YBR_FULL_422":
        return ybr_to_rgb(spread_422(stored), pixels.bits_stored)
    if pixels.is_planar:
        stored = np.moveaxis(stored.reshape(3, pixels.rows, pixels.columns), 0, -1)
    return ybr_to_rgb(stored, pixels.bits_stored) if pixels.photometric == "YBR_FULL" else stored


def _full_range(rgb: NDArray[Any], pixels: Pixels) -> NDArray[Any]:
    """Bring colours of, say, 12 bits to all 16, as displays expect them."""
    unused = pixels.bits_allocated - pixels.bits_stored
    return rgb if unused == 0 else np.left_shift(rgb, unused)


def _read_palette(header: Header) -> Palette:
    with refusing(header.path, "has a damaged palette", with_text=False), quiet():
        from pydicom import dcmread

        dataset = dcmread(header.path, stop_before_pixels=True, force=True)
        pixels = header.pixels
        return find_palette(dataset, is_signed=pixels.is_signed, is_little_endian=pixels.is_little_endian)
