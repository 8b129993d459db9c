"""Small pictures of series, for lists."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_medclf.io.dicom.header import Header
from napari_medclf.io.dicom.image import window_of
from napari_medclf.io.dicom.pixels.planes import planes_of
from napari_medclf.io.dicom.pixels.reduced import reduce_plane
from napari_medclf.io.window import robust_window

_SIDE_PX = 128
_WHOLE = sys.maxsize
# ITU-R BT.601 luma of red, green and blue.
_LUMA = (0.299, 0.587, 0.114)


def thumbnail(headers: Sequence[Header]) -> NDArray[np.uint8]:
    """Draw the middle plane small, in its window and with the proportions it has in the patient.

    Parameters
    ----------
    headers : sequence of Header
        Of one image, in the order of its planes.

    Returns
    -------
    (J, I) uint8
        The longer side has 128 pixels; colours become gray.

    Raises
    ------
    ReadError
        If the plane cannot be decoded.
    """
    from PIL import Image

    planes = planes_of(headers)
    plane = planes[len(planes) // 2]
    tile = plane.header.tile
    small = reduce_plane(plane, _SIDE_PX).samples if tile is None else tile.cut(reduce_plane(plane, _WHOLE).samples)
    picture = Image.fromarray(_shown(plane.header, small))
    rows, columns = _size(plane.header)
    longer = max(columns, rows)
    size = (max(round(_SIDE_PX * columns / longer), 1), max(round(_SIDE_PX * rows / longer), 1))
    return np.asarray(picture.resize(size, Image.Resampling.BOX))


def _size(header: Header) -> tuple[float, float]:
    """Height and width of a plane, in millimetres or pixels."""
    rows_mm, columns_mm = (header.spacing.row_mm, header.spacing.column_mm) if header.spacing else (1.0, 1.0)
    shape = header.pixels if header.tile is None else header.tile
    return shape.rows * rows_mm, shape.columns * columns_mm


def _shown(header: Header, samples: NDArray[Any]) -> NDArray[np.uint8]:
    """Bring samples between the limits of their window to 0-255."""
    if samples.ndim == 3:
        gray = samples.astype(np.float32) @ np.array(_LUMA, np.float32)
        low, high = 0.0, 255.0 if samples.dtype == np.uint8 else float(2**header.pixels.bits_stored - 1)
    else:
        gray = samples.astype(np.float32)
        low, high = window_of(header) or robust_window(samples)
    shown = (gray - low) * (255 / max(high - low, 1e-9))
    return np.nan_to_num(np.clip(shown, 0, 255)).astype(np.uint8)
