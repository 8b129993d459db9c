"""A brush whose size is in millimetres, so that it is a ball also where slices are thick."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from napari_medclf.domain.arrays import BoolArray, FloatArray, LabelArray
from napari_medclf.domain.errors import OptionError
from napari_medclf.engine.correct.change import Box, Change, Way, no_change, paint_where


@dataclass(frozen=True)
class Brush:
    """What is under the cursor.

    Parameters
    ----------
    radius_mm : float
        In the unit of the spacing; pictures without a scale count pixels.
    spacing_mm : (k, j, i)
        Step of the image's axes.
    axis : int or None
        The brush is a disc in one slice across this axis; None for a ball.

    Raises
    ------
    OptionError
        If the radius is not positive.
    """

    radius_mm: float
    spacing_mm: tuple[float, float, float]
    axis: int | None = None

    def __post_init__(self) -> None:
        if not 0 < self.radius_mm < np.inf:
            raise OptionError(f"A brush needs a radius above 0 mm, not {self.radius_mm}.")

    def scaled(self, factor: float) -> Brush:
        """The same brush with another radius."""
        return Brush(self.radius_mm * factor, self.spacing_mm, self.axis)


@dataclass(frozen=True, eq=False)
class Footprint:
    """Voxels that a brush went over: a mask, and where it lies in the labels."""

    box: Box
    mask: BoolArray


def footprint(brush: Brush, path: Way, shape: tuple[int, ...]) -> Footprint | None:
    """The voxels whose centre the brush covers on its way, and those that the way itself goes through.

    Parameters
    ----------
    path : (N, 3)
        Places (k, j, i) of the cursor, as index of the image's grid, not rounded. Between two of them the brush goes
        straight, so that a quick hand leaves no gaps.
    shape : (K, J, I)

    Returns
    -------
    Footprint or None
        None where all of it lies outside of the image.
    """
    places = _levelled(np.asarray(path, dtype=np.float64).reshape(-1, 3), brush)
    box = _box_of(places, brush, shape)
    if box is None:
        return None
    mask = np.zeros(tuple(part.stop - part.start for part in box), dtype=np.bool_)
    for start, stop in zip(places, [*places[1:], places[-1]], strict=True):
        _add_segment(mask, box, start, stop, brush)
    return Footprint(box, mask)


def paint(labels: LabelArray, path: Way, brush: Brush, value: int, *, keeps_others: bool = False) -> Change:
    """Paint one value along a path.

    Parameters
    ----------
    labels : (K, J, I) integer
    keeps_others : bool
        Paint over the background only, not over other classes or objects.

    Returns
    -------
    Change
        All voxels under the brush; also those that had the value before, which a person now has confirmed.
    """
    under = footprint(brush, path, labels.shape)
    if under is None:
        return no_change(labels)
    return paint_where(labels, under.box, allowed(labels, under, value, keeps_others=keeps_others), value)


def allowed(labels: LabelArray, under: Footprint, value: int, *, keeps_others: bool) -> BoolArray:
    """The voxels of a footprint that may be painted."""
    if not keeps_others or value == 0:
        return under.mask
    here = labels[under.box]
    return under.mask & ((here == 0) | (here == value))


def _levelled(places: FloatArray, brush: Brush) -> FloatArray:
    """Put the path of a disc onto whole slices."""
    if brush.axis is not None:
        places[:, brush.axis] = np.round(places[:, brush.axis])
    return places


def _box_of(places: FloatArray, brush: Brush, shape: tuple[int, ...]) -> Box | None:
    reach = brush.radius_mm / np.asarray(brush.spacing_mm) + 0.5
    if brush.axis is not None:
        reach[brush.axis] = 0.0
    low = np.maximum(np.ceil(places.min(axis=0) - reach), 0).astype(int)
    high = np.minimum(np.floor(places.max(axis=0) + reach), np.asarray(shape) - 1).astype(int)
    if (low > high).any():
        return None
    return tuple(slice(int(first), int(last) + 1) for first, last in zip(low, high, strict=True))


def _add_segment(mask: BoolArray, box: Box, start: FloatArray, stop: FloatArray, brush: Brush) -> None:
    """Add the voxels within the radius of one straight piece of the way."""
    part = _box_of(np.stack([start, stop]), brush, tuple(one.stop for one in box))
    if part is None:
        return
    inner = tuple(
        slice(max(0, one.start - whole.start), one.stop - whole.start) for one, whole in zip(part, box, strict=True)
    )
    spacing = np.asarray(brush.spacing_mm)
    axes = [
        (np.arange(one.start, one.stop) + whole.start) * step
        for one, whole, step in zip(inner, box, spacing, strict=True)
    ]
    mask[inner] |= _squared_distance(axes, start * spacing, stop * spacing, brush.axis) <= brush.radius_mm**2 + 1e-9
    for place in (start, stop):
        nearest = tuple(round(float(at)) - whole.start for at, whole in zip(place, box, strict=True))
        if all(0 <= at < size for at, size in zip(nearest, mask.shape, strict=True)):
            mask[nearest] = True


def _squared_distance(axes: list[FloatArray], start: FloatArray, stop: FloatArray, flat_axis: int | None) -> FloatArray:
    """Squared distance in mm of voxels to a segment; a flat axis does not count."""
    along = stop - start
    if flat_axis is not None:
        along[flat_axis] = 0.0
    length = float(along @ along)
    offsets = [
        (values - start[axis] if axis != flat_axis else np.zeros_like(values)).reshape(
            [-1 if other == axis else 1 for other in range(3)]
        )
        for axis, values in enumerate(axes)
    ]
    share = (
        0.0
        if length == 0
        else np.clip(sum(one * step for one, step in zip(offsets, along, strict=True)) / length, 0, 1)
    )
    return np.asarray(sum((one - share * step) ** 2 for one, step in zip(offsets, along, strict=True)))
