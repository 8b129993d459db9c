"""The box of an image in which there is something."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from napari_medclf.domain.arrays import PixelArray
from napari_medclf.domain.geometry import Geometry

Box = tuple[tuple[int, int], tuple[int, int], tuple[int, int]]


def find_nonzero_box(samples: PixelArray) -> Box | None:
    """Find the smallest box that holds every sample (C, K, J, I) that is not zero.

    Returns
    -------
    three (start, stop) or None
        Of axes k, j, i; None where all samples are zero, or none is at the border of the image.

    Notes
    -----
    The box that nnU-Net crops to: any channel counts, and filling holes changes no box.
    """
    is_there = np.zeros(samples.shape[1:], dtype=np.bool_)
    for channel in samples:
        is_there |= channel != 0
    if not is_there.any():
        return None
    found = []
    for axis in range(3):
        others = tuple(other for other in range(3) if other != axis)
        inside = np.flatnonzero(is_there.any(axis=others))
        found.append((int(inside[0]), int(inside[-1]) + 1))
    box = (found[0], found[1], found[2])
    return None if box == ((0, samples.shape[1]), (0, samples.shape[2]), (0, samples.shape[3])) else box


def square_box(shape: Sequence[int]) -> Box | None:
    """Give the largest square in the middle of rows and columns of a (K, J, I) image; None where it is one already.

    Notes
    -----
    Of an odd difference the first side keeps less, as in TorchXRayVision's ``XRayCenterCrop``.
    """
    n_slices, n_rows, n_columns = shape
    size = min(n_rows, n_columns)
    if n_rows == n_columns:
        return None
    top, left = n_rows // 2 - size // 2, n_columns // 2 - size // 2
    return (0, n_slices), (top, top + size), (left, left + size)


def crop_geometry(source: Geometry, box: Box) -> Geometry:
    """Give the grid of a box of another grid."""
    k, j, i = box
    return source.cropped((k[0], j[0], i[0]), (k[1] - k[0], j[1] - j[0], i[1] - i[0]))
