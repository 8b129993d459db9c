"""Cells of the model grid whose corners do not agree on the best class."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from napari_medclf.domain.arrays import LabelArray
from napari_medclf.engine.grid.home_axis import HomeAxis, Index

Axes = tuple[HomeAxis, HomeAxis, HomeAxis]


@dataclass(frozen=True, eq=False)
class Cells:
    """Some cells of layers of the model grid.

    Parameters
    ----------
    place : three (n,) int
        Number of the cell along each axis, the streaming axis first.
    corner : (n_corners, n) int
        Model voxels as flat indices of the planes at hand: lower before upper, the last axis fastest.
    start, count : three (n,) int each
        First new sample in the cell, and how many there are, along each axis.
    """

    place: tuple[Index, Index, Index]
    corner: Index
    start: tuple[Index, Index, Index]
    count: tuple[Index, Index, Index]

    def __len__(self) -> int:
        return int(self.corner.shape[1])

    def some(self, chosen: Index) -> Cells:
        """Keep the cells chosen (m,)."""
        place, start, count = (
            (one[0][chosen], one[1][chosen], one[2][chosen]) for one in (self.place, self.start, self.count)
        )
        return Cells(place, self.corner[:, chosen], start, count)


def span_labels(best: LabelArray, axes: Axes) -> tuple[LabelArray, LabelArray]:
    """Find the smallest and largest class among the corners of each cell.

    Parameters
    ----------
    best : (P, J, I) integer
        Best class of each voxel of planes that follow each other.

    Returns
    -------
    two (layers, J cells, I cells)
    """
    lowest = highest = best
    for axis in (2, 1, 0):
        if axes[axis].is_between:
            padding = [(0, 0)] * 3
            if axis > 0:  # the streaming axis repeats its edges by itself
                padding[axis] = (1, 1)
            lowest = _join(np.minimum, np.pad(lowest, padding, mode="edge"), axis)
            highest = _join(np.maximum, np.pad(highest, padding, mode="edge"), axis)
    return lowest, highest


def _join(function: np.ufunc, array: LabelArray, axis: int) -> LabelArray:
    n = array.shape[axis]
    lower, upper = ((*[slice(None)] * axis, one) for one in (slice(0, n - 1), slice(1, n)))
    return np.asarray(function(array[lower], array[upper]))


def find_cells(flat: Index, shape: tuple[int, ...], first_layer: int, axes: Axes, plane: tuple[int, int]) -> Cells:
    """List cells by their flat index in layers of `shape`; the first of these is `first_layer`.

    Parameters
    ----------
    plane : (J, I)
        Voxels of a model plane.
    """
    k, j, i = np.unravel_index(flat, shape)
    planes = np.stack([k, k + 1]) if axes[0].is_between else k[np.newaxis]
    rows, columns = axes[1].corners(j), axes[2].corners(i)
    in_plane = rows[:, np.newaxis] * plane[1] + columns[np.newaxis]
    corner = planes[:, np.newaxis] * (plane[0] * plane[1]) + in_plane.reshape(-1, len(flat))[np.newaxis]
    place = (k + first_layer, j, i)
    start, count = (
        (one[0][place[0]], one[1][place[1]], one[2][place[2]])
        for one in ([axis.start for axis in axes], [axis.count for axis in axes])
    )
    return Cells(place, corner.reshape(-1, len(flat)), start, count)
