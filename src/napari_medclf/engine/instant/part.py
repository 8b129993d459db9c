"""The part of a model grid that a box of the image needs, and its way home."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from napari_medclf.domain.geometry import Shape3
from napari_medclf.engine.grid.axis_map import AxisMap
from napari_medclf.engine.grid.crop import Box, crop_geometry
from napari_medclf.engine.grid.grid_map import GridMap


@dataclass(frozen=True, eq=False)
class Part:
    """A box of an image and the box of the model grid that it is made of.

    Parameters
    ----------
    grid : GridMap
        From the model box home to the image's box alone.
    box : three (start, stop)
        Of the model grid.
    """

    grid: GridMap
    box: Box

    @property
    def shape(self) -> Shape3:
        """Voxels of the model box."""
        return self.grid.shape

    @property
    def slices(self) -> tuple[slice, slice, slice]:
        """The model box as an index."""
        k, j, i = self.box
        return (slice(*k), slice(*j), slice(*i))


def whole_box(shape: Shape3) -> Box:
    """Give the box of everything."""
    return ((0, shape[0]), (0, shape[1]), (0, shape[2]))


def part_of(grid: GridMap, box: Box) -> Part | None:
    """Plan the way home to a box of the source grid.

    Returns
    -------
    Part or None
        None where the box lies outside of the crop. Of a grid that leans (`GridMap.upright`), a part is the whole, and
        its labels are those of the whole image.
    """
    if grid.upright is not None or box == whole_box(grid.source.shape):
        return Part(grid, whole_box(grid.shape))
    inside = _in_crop(grid, box)
    if inside is None:
        return None
    axes: list[AxisMap] = [grid.axes[0]] * 3
    ends: list[tuple[int, int]] = [(0, 0)] * 3
    for model_axis, axis in enumerate(grid.order):
        axes[model_axis], ends[model_axis] = _part_of_axis(grid, model_axis, axis, inside[axis])
    crop = None
    if grid.crop is not None:
        crop = _box([(a - whole[0], b - whole[0]) for (a, b), whole in zip(inside, box, strict=True)])
    source = crop_geometry(grid.source, box)
    return Part(replace(grid, source=source, axes=(axes[0], axes[1], axes[2]), crop=crop), _box(ends))


def to_model(grid: GridMap, voxels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Find the model voxel (N, 3) under the centre of each voxel (N, 3) of the source grid; it may lie outside."""
    index = grid.model.to_index(grid.source.to_world(voxels.astype(np.float64)))
    return np.floor(index + 0.5 + 1e-6).astype(np.int64)


def box_around(middle: Shape3, size: Shape3, shape: Shape3) -> Box:
    """Give a box of a size around a voxel, moved to lie inside of (K, J, I) voxels; smaller where these are fewer."""
    starts = [min(max(m - s // 2, 0), max(n - s, 0)) for m, s, n in zip(middle, size, shape, strict=True)]
    return _box([(a, min(a + s, n)) for a, s, n in zip(starts, size, shape, strict=True)])


def grown(box: Box, by: Shape3, shape: Shape3) -> Box:
    """Give a box that reaches further on all sides, inside of (K, J, I) voxels."""
    return _box([(max(a - n, 0), min(b + n, end)) for (a, b), n, end in zip(box, by, shape, strict=True)])


def at_least(box: Box, size: Shape3, shape: Shape3) -> Box:
    """Give a box around another one of at least a size, moved to lie inside of (K, J, I) voxels where it can."""
    ends = []
    for (a, b), wanted, n in zip(box, size, shape, strict=True):
        length = min(max(b - a, wanted), n)
        start = min(max(a - (length - (b - a)) // 2, 0), n - length)
        ends.append((start, start + length))
    return _box(ends)


def _in_crop(grid: GridMap, box: Box) -> Box | None:
    ends = []
    for (start, stop), cropped in zip(box, grid.cropped, strict=True):
        start, stop = max(start, cropped.start), min(stop, cropped.stop)
        if start >= stop:
            return None
        ends.append((start, stop))
    return _box(ends)


def _part_of_axis(grid: GridMap, model_axis: int, axis: int, ends: tuple[int, int]) -> tuple[AxisMap, tuple[int, int]]:
    whole, cropped = grid.axes[model_axis], grid.cropped[axis]
    start, stop = ends[0] - cropped.start, ends[1] - cropped.start
    if grid.flips[model_axis]:
        start, stop = whole.n_source - stop, whole.n_source - start
    reach = 0.0 if whole.is_same else max(1.0, 1 / whole.step)
    first = max(math.floor((start - whole.offset) / whole.step - reach), 0)
    last = min(math.ceil((stop - 1 - whole.offset) / whole.step + reach) + 1, whole.n_model)
    first, last = min(first, whole.n_model - 1), max(last, min(first, whole.n_model - 1) + 1)
    return AxisMap(stop - start, last - first, whole.step, whole.offset + whole.step * first - start), (first, last)


def _box(ends: list[tuple[int, int]]) -> Box:
    return (ends[0], ends[1], ends[2])
