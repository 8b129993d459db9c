"""Split objects that grew together, and merge what is one."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from napari_medclf.domain.arrays import BoolArray, FloatArray, LabelArray
from napari_medclf.domain.errors import GridError, OptionError
from napari_medclf.engine.correct.change import Box, Change, Way, grown, paint_where, together, whole
from napari_medclf.engine.correct.piece import piece_at

_LEVELS = 48


def split_at_waist(labels: LabelArray, seed: Sequence[int], spacing_mm: tuple[float, float, float]) -> Change:
    """Split the object under the cursor in two, where it is narrow.

    Parameters
    ----------
    labels : (K, J, I) integer
        Numbers of objects.
    seed : (k, j, i)

    Returns
    -------
    Change
        The larger part keeps its number, the other gets a new one.

    Raises
    ------
    OptionError
        If there is no object, or it has no waist.

    Notes
    -----
    Watershed of the distance to the edge (Beucher & Lantuejoul 1979), flooded from its two most prominent peaks.
    """
    from scipy import ndimage
    from skimage.segmentation import watershed

    box, mask = _object_at(labels, seed)
    depth = np.asarray(ndimage.distance_transform_edt(mask, spacing_mm)) if not mask.all() else np.zeros(mask.shape)
    depth = np.asarray(ndimage.gaussian_filter(depth, 0.5)) * mask
    markers = _two_peaks(depth)
    if markers is None:
        raise OptionError("This object has no waist to split it at; draw a line across it instead.")
    return _renamed(labels, box, watershed(-depth, markers, mask=mask))


def split_by_line(labels: LabelArray, path: Way, axis: int, *, in_all_slices: bool = True) -> Change:
    """Cut the object under a drawn line along it.

    Parameters
    ----------
    path : (N, 3)
        Places (k, j, i) of the cursor, in one slice.
    axis : int
        Across which that slice lies; the cut goes through the object along it.
    in_all_slices : bool
        Cut all of the object; else only in that slice.

    Returns
    -------
    Change
        The largest part keeps its number, every other one gets a new one.

    Raises
    ------
    OptionError
        If the line crosses no object, or leaves it in one piece.
    """
    from scipy import ndimage
    from skimage.segmentation import watershed

    places = _rasterised(path, labels.shape)
    seed = _commonest(labels, places)
    box, mask = piece_at(labels, seed, axis=None if in_all_slices else axis)
    cut = _cut_through(places, box, mask.shape, axis)
    numbers, n_parts = ndimage.label(mask & ~cut)
    if n_parts < 2:
        raise OptionError("The line leaves the object in one piece; draw it from one side of the object to the other.")
    return _renamed(labels, box, watershed(np.zeros(mask.shape, dtype=np.uint8), numbers, mask=mask))


def merge_objects(labels: LabelArray, path: Way) -> Change:
    """Give all objects that a line goes over the number of the first.

    Raises
    ------
    OptionError
        If the line goes over fewer than two objects.
    """
    values = labels[tuple(_rasterised(path, labels.shape).T)]
    numbers = list(dict.fromkeys(int(value) for value in values if value))
    if len(numbers) < 2:
        raise OptionError("The line goes over one object at most; draw it from one object into another.")
    first, others = numbers[0], numbers[1:]
    return paint_where(labels, whole(labels.shape), np.isin(labels, others), first)


def next_number(labels: LabelArray) -> int:
    """The first number above all that are in use.

    Raises
    ------
    GridError
        If the labels' type has no more numbers.
    """
    number = int(labels.max()) + 1
    if number > np.iinfo(labels.dtype).max:
        raise GridError(f"Labels of {labels.dtype} have no number left for a new object.")
    return number


def _object_at(labels: LabelArray, seed: Sequence[int]) -> tuple[Box, BoolArray]:
    if labels[tuple(int(at) for at in seed)] == 0:
        raise OptionError("There is no object under the cursor.")
    box, mask = piece_at(labels, seed)
    around = grown(box, 1, labels.shape)  # the edge of the image is none of the object's
    room = [(part.start - one.start, one.stop - part.stop) for part, one in zip(box, around, strict=True)]
    return around, np.pad(mask, room)


def _two_peaks(depth: FloatArray) -> NDArray[np.int32] | None:
    """Mark the two most prominent peaks: the level at which the lower one stands highest above its saddle."""
    from scipy import ndimage

    best: tuple[float, NDArray[np.int32]] | None = None
    for level in np.linspace(0, float(depth.max()), _LEVELS, endpoint=False):
        numbers, n_parts = ndimage.label(depth > level, np.ones((3,) * depth.ndim))
        if n_parts < 2:
            continue
        heights = np.asarray(ndimage.maximum(depth, numbers, np.arange(1, n_parts + 1))) - level
        top = np.argsort(heights)[::-1][:2]
        if best is None or heights[top[1]] > best[0]:
            markers = np.zeros(depth.shape, dtype=np.int32)
            for mark, part in enumerate(top, start=1):
                markers[numbers == part + 1] = mark
            best = (float(heights[top[1]]), markers)
    return None if best is None else best[1]


def _renamed(labels: LabelArray, box: Box, parts: LabelArray) -> Change:
    """The largest part keeps its number; the others get new ones."""
    sizes = np.bincount(parts.ravel())[1:]
    order = np.argsort(-sizes, kind="stable") + 1
    fresh = next_number(labels)
    if fresh + len(order) - 2 > np.iinfo(labels.dtype).max:
        raise GridError(f"Labels of {labels.dtype} have no number left for a new object.")
    kept = int(labels[box][parts == order[0]][0])
    numbers = [kept, *range(fresh, fresh + len(order) - 1)]
    return together(
        [paint_where(labels, box, parts == part, number) for part, number in zip(order, numbers, strict=True)], labels
    )


def _rasterised(path: Way, shape: tuple[int, ...]) -> NDArray[np.int64]:
    """The voxels along a path, in order, inside of the image."""
    places = np.asarray(path, dtype=np.float64).reshape(-1, len(shape))
    dense = [places[:1]]
    for start, stop in pairwise(places):
        n_steps = 2 * int(np.ceil(np.abs(stop - start).max())) + 1
        dense.append(start + (stop - start) * np.linspace(0, 1, n_steps)[:, None])
    voxels = np.round(np.concatenate(dense)).astype(np.int64)
    is_inside = ((voxels >= 0) & (voxels < np.asarray(shape))).all(axis=1)
    return np.asarray(voxels[is_inside])


def _commonest(labels: LabelArray, places: NDArray[np.int64]) -> tuple[int, ...]:
    """A place on the object that a line goes over longest."""
    values = labels[tuple(places.T)]
    found = values[values != 0]
    if not len(found):
        raise OptionError("The line crosses no object.")
    numbers, counts = np.unique(found, return_counts=True)
    first = int(np.flatnonzero(values == numbers[np.argmax(counts)])[0])
    return tuple(int(at) for at in places[first])


def _cut_through(places: NDArray[np.int64], box: Box, shape: tuple[int, ...], axis: int) -> BoolArray:
    """The line as a wall along the axis, thick enough that faces do not touch across it."""
    cut = np.zeros(shape, dtype=np.bool_)
    inner = places - np.array([part.start for part in box])
    inner[:, axis] = 0
    is_inside = ((inner >= 0) & (inner < np.asarray(shape))).all(axis=1)
    first = tuple(slice(0, 1) if at == axis else slice(None) for at in range(len(shape)))
    plane = cut[first]
    plane[tuple(inner[is_inside].T)] = True
    return np.asarray(np.broadcast_to(plane, shape))
