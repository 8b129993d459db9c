"""Between the grid an image is shown on and the slices that were acquired."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_medclf.domain.arrays import FloatArray, LabelArray
from napari_medclf.domain.image import Source
from napari_medclf.io.derived.source_grid import SourceGrid

_WHOLE = 1e-3


def acquired_k(grid: SourceGrid) -> FloatArray:
    """(N,) where each acquired slice lies along axis k: 0, 1, 2 ... unless gaps were filled."""
    return np.asarray(grid.source.acquired_k or range(grid.geometry.shape[0]), dtype=np.float64)


def acquired_positions(grid: SourceGrid) -> FloatArray:
    """(N, 3) LPS millimetres of the first voxel of each acquired slice, by the grid's affine."""
    k = acquired_k(grid)
    return grid.geometry.to_world(np.stack([k, np.zeros_like(k), np.zeros_like(k)], axis=1))


def to_acquired(labels: LabelArray, source: Source) -> LabelArray:
    """Bring labels back to the slices that were acquired.

    Parameters
    ----------
    labels : (K, J, I)
        On the grid of the image, whose gaps may have been filled.

    Returns
    -------
    (N, J, I)
        `labels` itself where no gap was filled; else of each acquired slice the plane nearest to it.
    """
    if not source.acquired_k:
        return labels
    nearest = np.clip(np.rint(source.acquired_k).astype(np.intp), 0, len(labels) - 1)
    return np.asarray(labels[nearest])


def planes_of_slices(grid: SourceGrid) -> NDArray[np.intp]:
    """Tell for every plane k of a grid which acquired slice its labels come from.

    Returns
    -------
    (K,) integer
        -1 for a plane left blank, which has none; on a resampled grid every plane takes the nearest slice.
    """
    places = acquired_k(grid)
    planes = np.arange(grid.geometry.shape[0])
    nearest = np.abs(planes[:, None] - places[None, :]).argmin(axis=1)
    is_blank_filled = bool((np.abs(places - np.rint(places)) < _WHOLE).all())
    if not is_blank_filled:
        return np.asarray(nearest, dtype=np.intp)
    return np.where(np.abs(places[nearest] - planes) < _WHOLE, nearest, -1).astype(np.intp)
