"""A change of labels before anybody made it: which voxels, and their values before and after."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_medclf.domain.arrays import BoolArray, FloatArray, LabelArray
from napari_medclf.domain.errors import GridError

Box = tuple[slice, ...]
"""A slice an axis, with its start and stop given."""
Way = Sequence[Sequence[float]] | Sequence[FloatArray]
"""Places (k, j, i) of the cursor one after the other, as index of the image's grid, not rounded."""


@dataclass(frozen=True, eq=False)
class Change:
    """What a tool would paint; nothing is painted yet.

    Parameters
    ----------
    voxels : (N,) int64
        Raveled C-order indices into the whole labels, rising.
    before, after : (N,) integer
        Values; equal where the tool looked at a voxel and found it right, so that it is locked too.
    """

    voxels: NDArray[np.int64]
    before: NDArray[np.integer]
    after: NDArray[np.integer]

    def __len__(self) -> int:
        return len(self.voxels)

    @property
    def n_changed(self) -> int:
        """Voxels whose value becomes another one."""
        return int(np.count_nonzero(self.before != self.after))

    def applied(self, labels: LabelArray) -> LabelArray:
        """Return a copy of the labels with the change made."""
        painted = np.array(labels, order="C")
        painted.reshape(-1)[self.voxels] = self.after
        return painted


def no_change(labels: LabelArray) -> Change:
    """Nothing to paint."""
    empty = np.empty(0, dtype=labels.dtype)
    return Change(np.empty(0, dtype=np.int64), empty, empty)


def paint_where(labels: LabelArray, box: Box, mask: BoolArray, value: int) -> Change:
    """One value for all voxels of a mask.

    Parameters
    ----------
    labels : (K, J, I) integer
    box : (slice, slice, slice)
        Where the mask lies in the labels.
    mask : bool
        Of the box's shape.

    Raises
    ------
    GridError
        If the mask has another shape than the box, or the labels cannot hold the value.
    """
    if labels[box].shape != mask.shape:
        raise GridError(f"A mask of {mask.shape} does not fit a box of {labels[box].shape}.")
    if not 0 <= value <= np.iinfo(labels.dtype).max:
        raise GridError(f"Labels of {labels.dtype} cannot hold {value}; the largest is {np.iinfo(labels.dtype).max}.")
    inner = np.nonzero(mask)
    places = tuple(index + part.start for index, part in zip(inner, box, strict=True))
    before = labels[places]
    return Change(_raveled(places, labels.shape), before, np.full_like(before, value))


def change_between(before: LabelArray, after: LabelArray, box: Box | None = None) -> Change:
    """The voxels in which two labels differ.

    Parameters
    ----------
    before : (K, J, I) integer
        The whole labels.
    after : integer
        Of the same shape, or of the box's.
    box : (slice, slice, slice) or None
        Where `after` lies; None for everywhere.

    Raises
    ------
    GridError
        If the shapes do not fit.
    """
    box = whole(before.shape) if box is None else box
    here = before[box]
    if here.shape != after.shape:
        raise GridError(f"Labels of {after.shape} do not fit a box of {here.shape}.")
    inner = np.nonzero(here != after)
    places = tuple(index + part.start for index, part in zip(inner, box, strict=True))
    return Change(_raveled(places, before.shape), here[inner], after[inner].astype(before.dtype, copy=False))


def together(changes: list[Change], labels: LabelArray) -> Change:
    """Join changes of the same labels into one; where two touch a voxel, the later one counts.

    Parameters
    ----------
    labels : (K, J, I) integer
        What all of them were made for.
    """
    if not changes:
        return no_change(labels)
    voxels = np.concatenate([one.voxels for one in changes])[::-1]
    after = np.concatenate([one.after for one in changes])[::-1]
    kept, first = np.unique(voxels, return_index=True)
    return Change(kept, labels[np.unravel_index(kept, labels.shape)], after[first])


def whole(shape: tuple[int, ...]) -> Box:
    """The box that holds everything."""
    return tuple(slice(0, size) for size in shape)


def box_around(mask: BoolArray) -> Box | None:
    """The smallest box that holds all that is True; None where nothing is."""
    bounds = []
    for axis in range(mask.ndim):
        is_there = mask.any(axis=tuple(other for other in range(mask.ndim) if other != axis))
        places = np.flatnonzero(is_there)
        if not len(places):
            return None
        bounds.append(slice(int(places[0]), int(places[-1]) + 1))
    return tuple(bounds)


def grown(box: Box, margin: int | tuple[int, ...], shape: tuple[int, ...]) -> Box:
    """Add voxels on every side of a box, as far as the labels reach."""
    margins = (margin,) * len(box) if isinstance(margin, int) else margin
    return tuple(
        slice(max(0, part.start - more), min(size, part.stop + more))
        for part, more, size in zip(box, margins, shape, strict=True)
    )


def _raveled(places: tuple[NDArray[np.intp], ...], shape: tuple[int, ...]) -> NDArray[np.int64]:
    return np.ravel_multi_index(places, shape).astype(np.int64, copy=False)
