"""Connected pieces of labels: find the one under the cursor, fill it, erase it, keep only it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from napari_medclf.domain.arrays import BoolArray, LabelArray
from napari_medclf.domain.errors import GridError, OptionError
from napari_medclf.engine.correct.change import Box, Change, box_around, grown, paint_where, whole

_FIRST_MARGIN = 16


def piece_at(labels: LabelArray, seed: Sequence[int], *, axis: int | None = None) -> tuple[Box, BoolArray]:
    """Find the voxels that have the seed's value and are connected with it; voxels touch by their faces.

    Parameters
    ----------
    labels : (K, J, I) integer
    seed : (k, j, i)
    axis : int or None
        Look in the seed's slice across this axis only; None for all directions.

    Returns
    -------
    (box, mask)
        Time and memory follow the size of the piece and not that of the image.

    Raises
    ------
    GridError
        If the seed is outside of the image.
    """
    from scipy import ndimage

    place = tuple(int(at) for at in seed)
    if len(place) != labels.ndim or any(not 0 <= at < size for at, size in zip(place, labels.shape, strict=True)):
        raise GridError(f"There is no voxel {place} in labels of {labels.shape}.")
    value, limit = labels[place], _limit(place, labels.shape, axis)
    margin = _FIRST_MARGIN
    while True:
        box = _within(grown(tuple(slice(at, at + 1) for at in place), margin, labels.shape), limit)
        numbers, _ = ndimage.label(labels[box] == value)
        mask = numbers == numbers[tuple(at - part.start for at, part in zip(place, box, strict=True))]
        if not _reaches_out(mask, box, limit):
            return _trimmed(box, mask)
        margin *= 3


def fill_piece(labels: LabelArray, seed: Sequence[int], value: int, *, axis: int | None = None) -> Change:
    """Give the piece under the cursor one value; 0 erases it.

    Raises
    ------
    OptionError
        If it is background that reaches the edge of the image: no outline encloses it.
    """
    box, mask = piece_at(labels, seed, axis=axis)
    is_background = labels[tuple(int(at) for at in seed)] == 0
    if is_background and value and _touches_edge(box, labels.shape, axis):
        raise OptionError("Nothing encloses this background; draw a closed outline first, or click into a label.")
    return paint_where(labels, box, mask, value)


def keep_piece(labels: LabelArray, seed: Sequence[int]) -> Change:
    """Erase all other pieces of the value under the cursor.

    Raises
    ------
    OptionError
        If the cursor is over background.
    """
    value = _value_at(labels, seed)
    box, mask = piece_at(labels, seed)
    is_other = labels == value
    is_other[box] &= ~mask
    return paint_where(labels, whole(labels.shape), is_other, 0)


def fill_holes(labels: LabelArray, seed: Sequence[int], *, axis: int | None = None) -> Change:
    """Fill the holes of the piece under the cursor with its value.

    Parameters
    ----------
    axis : int or None
        Also fill holes that are closed only within slices across this axis, in every slice; None for cavities that
        are closed on all sides.

    Raises
    ------
    OptionError
        If the cursor is over background.
    """
    from scipy import ndimage

    value = _value_at(labels, seed)
    box, mask = piece_at(labels, seed)
    if axis is None:
        filled = ndimage.binary_fill_holes(mask)
    else:
        plane = np.expand_dims(ndimage.generate_binary_structure(2, 1), axis)
        filled = ndimage.binary_fill_holes(mask, plane)
    return paint_where(labels, box, np.asarray(filled & ~mask, dtype=np.bool_), value)


def _value_at(labels: LabelArray, seed: Sequence[int]) -> int:
    value = int(labels[tuple(int(at) for at in seed)])
    if value == 0:
        raise OptionError("There is no label under the cursor.")
    return value


def _limit(place: tuple[int, ...], shape: tuple[int, ...], axis: int | None) -> Box:
    everything = whole(shape)
    if axis is None:
        return everything
    return (*everything[:axis], slice(place[axis], place[axis] + 1), *everything[axis + 1 :])


def _within(box: Box, limit: Box) -> Box:
    return tuple(
        slice(max(part.start, most.start), min(part.stop, most.stop)) for part, most in zip(box, limit, strict=True)
    )


def _reaches_out(mask: BoolArray, box: Box, limit: Box) -> bool:
    """Whether a piece touches a side of its box behind which there is more to see."""
    for axis, (part, most) in enumerate(zip(box, limit, strict=True)):
        if part.start > most.start and mask.take(0, axis).any():
            return True
        if part.stop < most.stop and mask.take(-1, axis).any():
            return True
    return False


def _trimmed(box: Box, mask: BoolArray) -> tuple[Box, BoolArray]:
    inner = box_around(mask)
    assert inner is not None  # the seed is in it
    return tuple(
        slice(part.start + one.start, part.start + one.stop) for part, one in zip(box, inner, strict=True)
    ), mask[inner]


def _touches_edge(box: Box, shape: tuple[int, ...], axis: int | None) -> bool:
    """Whether a box reaches the edge of the image, the axis of slices and flat axes left out."""
    sides = [at for at, size in enumerate(shape) if at != axis and size > 1]
    return any(box[at].start == 0 or box[at].stop == shape[at] for at in sides)
