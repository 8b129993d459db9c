"""Fill the slices between those that a person painted."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from napari_medclf.domain.arrays import BoolArray, FloatArray, LabelArray
from napari_medclf.domain.errors import OptionError
from napari_medclf.domain.voxel_origin import OriginMap
from napari_medclf.engine.correct.change import Box, Change, box_around, grown, paint_where, together


def interpolate_slices(
    labels: LabelArray,
    value: int,
    axis: int,
    spacing_mm: tuple[float, float, float],
    *,
    slices: Sequence[int] | None = None,
    keeps_others: bool = True,
) -> Change:
    """Make the shapes between given slices of one class, and erase what lay there else.

    Parameters
    ----------
    labels : (K, J, I) integer
    value : int
        The class or object.
    axis : int
        Across which the slices lie.
    spacing_mm : (k, j, i)
    slices : sequence of int or None
        The slices that are right, such as `painted_slices`; None takes all that hold the value.
    keeps_others : bool
        Leave voxels of other classes as they are.

    Returns
    -------
    Change
        Of voxels strictly between the slices.

    Raises
    ------
    OptionError
        If fewer than two slices hold the value, or none lies between them.

    Notes
    -----
    Shape-based interpolation (Raya & Udupa 1990): the distance to the edge, positive inside, is interpolated linearly
    between two slices, and the shape is where it is positive. Distances are Euclidean, in mm. Where each slice holds
    one piece, both shapes are first shifted to a common centre that moves from one slice to the next, so that
    oblique tubes stay whole where the shapes themselves do not overlap.
    """
    holding = sorted(set(_holding(labels, value, axis) if slices is None else slices))
    known = [index for index in holding if (labels.take(index, axis) == value).any()]
    if len(known) < 2:
        raise OptionError("Paint the class in two slices at least; what lies between them is made from those.")
    pairs = [(first, last) for first, last in pairwise(known) if last - first > 1]
    if not pairs:
        raise OptionError("The painted slices follow each other; there is nothing between them to fill.")
    plane_mm = tuple(step for at, step in enumerate(spacing_mm) if at != axis)
    changes = [_between(labels, value, axis, pair, plane_mm, keeps_others=keeps_others) for pair in pairs]
    return together(changes, labels)


def painted_slices(labels: LabelArray, origin: OriginMap, value: int, axis: int) -> tuple[int, ...]:
    """The slices in which a person painted a class; all that hold it where nobody painted any.

    Parameters
    ----------
    origin : (K, J, I) uint8
        Who each voxel is from.
    """
    mask = labels == value
    mask &= origin != 0
    others = tuple(at for at in range(labels.ndim) if at != axis)
    painted = np.flatnonzero(mask.any(axis=others))
    return tuple(int(at) for at in painted) if len(painted) else tuple(_holding(labels, value, axis))


def _holding(labels: LabelArray, value: int, axis: int) -> list[int]:
    others = tuple(at for at in range(labels.ndim) if at != axis)
    return [int(at) for at in np.flatnonzero((labels == value).any(axis=others))]


def _between(
    labels: LabelArray,
    value: int,
    axis: int,
    pair: tuple[int, int],
    plane_mm: tuple[float, ...],
    *,
    keeps_others: bool,
) -> Change:
    """Make the slices between two; only where either shape or an old one is."""
    first, last = pair
    box = _work_box(labels, value, axis, pair)
    block = np.moveaxis(labels[box], axis, 0)
    start, stop = block[0] == value, block[-1] == value
    made = np.stack([_shape_at(start, stop, step / (last - first), plane_mm) for step in range(1, last - first)])
    here = block[1:-1]
    may = (here == 0) | (here == value) if keeps_others else np.ones_like(made)
    inner = (*box[:axis], slice(first + 1, last), *box[axis + 1 :])
    drawn = paint_where(labels, inner, np.moveaxis(made & may, 0, axis), value)
    wiped = paint_where(labels, inner, np.moveaxis(~made & (here == value), 0, axis), 0)
    return together([drawn, wiped], labels)


def _work_box(labels: LabelArray, value: int, axis: int, pair: tuple[int, int]) -> Box:
    """The two slices and all between them, around every voxel of the value."""
    between = tuple(
        slice(pair[0], pair[1] + 1) if at == axis else slice(0, size) for at, size in enumerate(labels.shape)
    )
    found = box_around(labels[between] == value)
    assert found is not None  # both slices hold the value
    around = grown(found, 2, labels[between].shape)
    return tuple(between[at] if at == axis else around[at] for at in range(labels.ndim))


def _shape_at(start: BoolArray, stop: BoolArray, share: float, plane_mm: tuple[float, ...]) -> BoolArray:
    """The shape at a share of the way from one slice to the next."""
    shift = _centre(stop) - _centre(start) if _is_one(start) and _is_one(stop) else np.zeros(2)
    here = _inside_mm(start, plane_mm, share * shift)
    there = _inside_mm(stop, plane_mm, (share - 1) * shift)
    return np.asarray((1 - share) * here + share * there > 0)


def _inside_mm(mask: BoolArray, plane_mm: tuple[float, ...], shift_vox: FloatArray) -> FloatArray:
    """Distance to the edge of a shape that was moved, positive inside, zero half-way between two voxels' centres."""
    from scipy import ndimage

    room = int(np.ceil(np.abs(shift_vox).max())) + 1
    padded = np.pad(mask, room)
    inside = ndimage.distance_transform_edt(padded, plane_mm)
    outside = ndimage.distance_transform_edt(~padded, plane_mm)
    half = 0.5 * min(plane_mm)
    distance = np.where(padded, inside - half, half - outside)
    if shift_vox.any():
        distance = ndimage.shift(distance, shift_vox, order=1, mode="nearest")
    return np.asarray(distance[room:-room, room:-room])


def _centre(mask: BoolArray) -> FloatArray:
    return np.argwhere(mask).mean(axis=0)


def _is_one(mask: BoolArray) -> bool:
    from scipy import ndimage

    return bool(ndimage.label(mask, np.ones((3, 3)))[1] == 1)
