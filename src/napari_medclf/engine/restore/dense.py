"""Interpolate every class everywhere, some rows of the source grid at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from napari_medclf.domain.arrays import FloatArray, LabelArray
from napari_medclf.engine.grid.home_axis import HomeAxis
from napari_medclf.engine.restore.cells import Axes
from napari_medclf.engine.restore.rank import label_type

# Samples of all classes together that are interpolated at once, so that they stay in the cache.
_BLOCK_SAMPLES = 2**18
# Columns and rows made by one small matrix: more of them multiply by more zeros, fewer call more often.
_BLOCK_COLUMNS = 64
_FEWEST_ROWS, _MOST_ROWS = 8, 32


@dataclass(frozen=True, eq=False)
class _Mix:
    """Some new samples of an axis as a matrix (new, old) times some old ones."""

    new: slice
    old: slice
    matrix: FloatArray


class Dense:
    """The way from planes of the model grid to rows of the source grid, for all classes at once.

    Parameters
    ----------
    axes : three HomeAxis
        The streaming axis first.
    n_classes : int
        Channels of the planes.
    """

    def __init__(self, axes: Axes, n_classes: int) -> None:
        self._along = axes[0]
        self._n_columns = axes[2].n_new
        n_rows = _BLOCK_SAMPLES // (n_classes * axes[2].n_new)
        self._rows = _list_mixes(axes[1], min(max(n_rows, _FEWEST_ROWS), _MOST_ROWS))
        self._columns = _list_mixes(axes[2], _BLOCK_COLUMNS)

    def iter_rows(self, planes: FloatArray, first_layer: int, n_layers: int) -> Iterator[tuple[int, slice, FloatArray]]:
        """Interpolate planes (C, P, J, I).

        Yields
        ------
        int, slice, (C, rows, columns) float32
            Plane and rows of the source grid, and their samples.
        """
        span = self._along.span(first_layer, n_layers)
        for new in range(span.start, span.stop):
            plane = self._plane(planes, int(self._along.cell[new]) - first_layer, self._along.weight[new])
            for rows in self._rows:
                yield new, rows.new, rows.matrix @ self._mix_columns(plane[:, rows.old])

    def _plane(self, planes: FloatArray, layer: int, weight: np.float32) -> FloatArray:
        if not self._along.is_between or weight == 0:
            return planes[:, layer]
        plane = planes[:, layer + 1] - planes[:, layer]
        plane *= weight
        plane += planes[:, layer]
        return plane

    def _mix_columns(self, values: FloatArray) -> FloatArray:
        mixed = np.empty((*values.shape[:2], self._n_columns), dtype=np.float32)
        for one in self._columns:
            mixed[..., one.new] = values[..., one.old] @ one.matrix.T
        return mixed


def first_largest(values: FloatArray) -> LabelArray:
    """Find the index of the largest of (C, ...) values, the first one of several."""
    best = values[0].copy()
    labels: LabelArray = np.zeros(best.shape, dtype=label_type(len(values)))
    for index, scores in enumerate(values[1:], start=1):
        wins = (scores > best).view(np.uint8)
        np.maximum(best, scores, out=best)
        np.maximum(labels, wins * labels.dtype.type(index), out=labels)  # a later class has the higher number
    return labels


def _list_mixes(axis: HomeAxis, n_new: int) -> list[_Mix]:
    return [_mix(axis, slice(start, min(start + n_new, axis.n_new))) for start in range(0, axis.n_new, n_new)]


def _mix(axis: HomeAxis, new: slice) -> _Mix:
    corners = axis.corners(axis.cell[new])
    first, last = int(corners.min()), int(corners.max()) + 1
    matrix = np.zeros((new.stop - new.start, last - first), dtype=np.float32)
    each = np.arange(len(matrix))
    matrix[each, corners[0] - first] = 1 - axis.weight[new]
    matrix[each, corners[-1] - first] += axis.weight[new]
    return _Mix(new, slice(first, last), matrix)
