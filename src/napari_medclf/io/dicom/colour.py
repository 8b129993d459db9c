"""Colour pictures: RGB, YBR and palettes become red, green and blue."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_medclf.domain.arrays import PixelArray
from napari_medclf.domain.errors import ReadError
from napari_medclf.io.dicom.decode import decode_file
from napari_medclf.io.dicom.header import Header
from napari_medclf.io.dicom.quiet import quiet
from napari_medclf.io.preflight import check_budget, refusing


def read_colour(headers: Sequence[Header]) -> PixelArray:
    """Read (3, K, J, I) samples of 8 or 16 bits.

    Raises
    ------
    ReadError
        If a file cannot be decoded.
    """
    first = headers[0]
    check_budget(first.path, 3 * sum(header.pixels.n_bytes for header in headers))
    slices = [_read_slice(header) for header in headers]
    return np.ascontiguousarray(np.moveaxis(np.stack(slices), -1, 0))


def _read_slice(header: Header) -> NDArray[Any]:
    """Decode one (J, I, 3) slice."""
    pixels = header.pixels
    samples = decode_file(header.path)
    if pixels.photometric == "PALETTE COLOR":
        samples = _through_palette(header, samples)
    if samples.shape != (pixels.rows, pixels.columns, 3):
        raise ReadError(header.path, f"has colour samples of shape {samples.shape}, which are not read")
    return samples


def _through_palette(header: Header, samples: NDArray[Any]) -> NDArray[Any]:
    """Look up colours, PS3.3 C.7.6.3.1.5; sixteen-bit tables are brought to eight bits."""
    with refusing(header.path, "has a damaged palette", with_text=False), quiet():
        from pydicom import dcmread
        from pydicom.pixels.processing import apply_color_lut

        dataset = dcmread(header.path, stop_before_pixels=True, force=True)
        colours = np.asarray(apply_color_lut(samples, dataset))[..., :3]
        return (colours >> 8).astype(np.uint8) if colours.dtype == np.uint16 else colours
