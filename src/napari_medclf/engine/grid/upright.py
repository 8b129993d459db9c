"""A sheared grid, such as that of a tilted gantry, brought upright for a network and back without a loss."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any, TypeVar

import numpy as np

from napari_medclf.domain.arrays import FloatArray, LabelArray
from napari_medclf.domain.geometry import Geometry, Unit

Array = TypeVar("Array", FloatArray, LabelArray)
_RIGHT_ANGLE = np.sin(np.radians(0.1))


@dataclass(frozen=True, eq=False)
class Upright:
    """Slices moved inside their own plane by whole voxels until they stand above each other.

    Samples are not interpolated, so what comes back lies exactly in the voxel it was computed for. The
    network sees each slice at most half a voxel away from its place.

    Parameters
    ----------
    source : Geometry
        The sheared grid.
    geometry : Geometry
        The upright one: as many slices, with room for the moved ones.
    axis : int
        The array axis that leans.
    starts : (n, 2) int
        For each slice along `axis`, where its first voxel lies along the other two axes of `geometry`.
    """

    source: Geometry
    geometry: Geometry
    axis: int
    starts: LabelArray

    def forward(self, data: FloatArray) -> FloatArray:
        """Move samples (C, K, J, I) upright; the room beside them takes each channel's lowest value."""
        lowest = data.min(axis=(1, 2, 3), keepdims=True)
        upright = np.broadcast_to(lowest, (len(data), *self.geometry.shape)).copy()
        for number, window in enumerate(self._windows()):
            self._slice(upright, number)[window] = self._slice(data, number)
        return upright

    def forward_labels(self, labels: LabelArray) -> LabelArray:
        """Move labels (K, J, I) upright; the room beside them is background."""
        upright = np.zeros(self.geometry.shape, labels.dtype)
        for number, window in enumerate(self._windows()):
            self._slice(upright, number)[window] = self._slice(labels, number)
        return upright

    def back(self, upright: Array) -> Array:
        """Move an array (..., K, J, I) on the upright grid back to the sheared one."""
        source = np.empty((*upright.shape[:-3], *self.source.shape), upright.dtype)
        for number, window in enumerate(self._windows()):
            self._slice(source, number)[...] = self._slice(upright, number)[window]
        return source

    def _slice(self, array: Array, number: int) -> Array:
        return np.moveaxis(array, self.axis - 3, 0)[number]

    def _windows(self) -> list[tuple[Any, ...]]:
        first, second = (n for axis, n in enumerate(self.source.shape) if axis != self.axis)
        return [(..., slice(j, j + first), slice(i, i + second)) for j, i in self.starts]


def stand_upright(source: Geometry) -> Upright | None:
    """Plan how a sheared grid is brought upright.

    Returns
    -------
    Upright or None
        None where there is nothing to do: no shear, less than half a voxel over the whole grid, no
        millimetres, or no two axes at a right angle.
    """
    axis = _leaning_axis(source)
    if axis is None:
        return None
    others = [other for other in range(3) if other != axis]
    plane = source.affine[:3, others]
    step = source.affine[:3, axis]
    # The part of the step that lies in the plane, in voxels of the other two axes.
    drift, *_ = np.linalg.lstsq(plane, step, rcond=None)
    exact = np.outer(np.arange(source.shape[axis]), drift)
    moved = np.rint(exact).astype(np.intp)
    if not moved.any():
        return None
    starts = moved - moved.min(axis=0)
    shape = list(source.shape)
    for other, room in zip(others, starts.max(axis=0), strict=True):
        shape[other] += int(room)
    affine = source.affine.copy()
    affine[:3, axis] = step - plane @ drift
    affine[:3, 3] += plane @ moved.min(axis=0)
    geometry = replace(source, affine=affine, shape=(shape[0], shape[1], shape[2]))
    return Upright(source, geometry, axis, starts)


def _leaning_axis(source: Geometry) -> int | None:
    """Find the axis without which the grid is right-angled."""
    if source.unit is not Unit.MILLIMETRE or not source.is_sheared:
        return None
    gram = np.abs(source.directions.T @ source.directions)
    right = [pair for pair in combinations(range(3), 2) if gram[pair] <= _RIGHT_ANGLE]
    leaning = [axis for axis in range(3) if any(axis not in pair for pair in right)]
    # A slice axis first: that is what a gantry tilts.
    return leaning[0] if leaning else None
