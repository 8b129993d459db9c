"""Smooth functions on a grid, as few numbers between which cubic B-splines go."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from napari_medclf.domain.arrays import FloatArray


@dataclass(frozen=True, eq=False)
class SplineField:
    """A tensor product of uniform cubic B-splines over a box.

    Parameters
    ----------
    lattice : (p + 3, q + 3, ...) float64
        Weights of the splines, for p, q ... pieces along the axes.
    """

    lattice: FloatArray

    def on_grid(self, shape: tuple[int, ...]) -> FloatArray:
        """Give the values at the voxels of a grid over the box, float32."""
        values = self.lattice
        for axis, n in enumerate(shape):
            values = _contract(values, axis, basis(n, self.lattice.shape[axis] - 3))
        return values.astype(np.float32)


def approximate(values: FloatArray, weight: FloatArray, pieces: tuple[int, ...]) -> SplineField:
    """Find a smooth field near values on a grid.

    Parameters
    ----------
    values, weight : (*grid)
        A weight of 0 leaves a voxel out.
    pieces : tuple of int
        Along each axis.

    Notes
    -----
    The local least squares of Lee, Wolberg and Shin (1997), as N4 uses them: never more than the values are, and
    zero where nothing is known. All sums are products over the axes, which makes them cheap.
    """
    bases = [basis(n, p) for n, p in zip(values.shape, pieces, strict=True)]
    total = np.ones(values.shape)
    for axis, one in enumerate(bases):
        along = [-1 if other == axis else 1 for other in range(values.ndim)]
        total = total * (one**2).sum(1).reshape(along)
    above: FloatArray = values * weight / total
    below: FloatArray = np.asarray(weight, dtype=np.float64)
    for axis, one in enumerate(bases):
        above = _contract(above, axis, (one**3).T)
        below = _contract(below, axis, (one**2).T)
    return SplineField(above / np.maximum(below, 1e-12))


def basis(n: int, pieces: int) -> FloatArray:
    """Give the splines' values at n voxel centres of an axis that is cut into pieces: (n, pieces + 3)."""
    position = (np.arange(n) + 0.5) / n * pieces
    first = np.minimum(position.astype(int), pieces - 1)
    t = position - first
    parts = np.stack([(1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, -3 * t**3 + 3 * t**2 + 3 * t + 1, t**3], axis=1) / 6
    table = np.zeros((n, pieces + 3))
    np.put_along_axis(table, first[:, None] + np.arange(4), parts, axis=1)
    return table


def _contract(values: FloatArray, axis: int, table: FloatArray) -> FloatArray:
    """Multiply an axis of length m by a table (n, m)."""
    return np.asarray(np.moveaxis(np.tensordot(table, values, axes=(1, axis)), 0, axis))
