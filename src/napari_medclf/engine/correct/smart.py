"""Brushes that look at the image: one that stops at edges, one that paints a range of values only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from napari_medclf.domain.arrays import BoolArray, FloatArray, LabelArray, PixelArray
from napari_medclf.domain.errors import GridError, OptionError
from napari_medclf.engine.correct.brush import Brush, allowed, footprint
from napari_medclf.engine.correct.change import Box, Change, Way, no_change, paint_where

_CORE = 0.3
"""The part of the radius that a person surely meant."""
_LEAST_PROBABILITY = 0.02
"""Below this a model has no idea of the place, and the image itself is asked."""
_ROUNDS = 2
_MAD_TO_SD = 1.4826
"""Of a normal distribution (Rousseeuw & Croux 1993)."""


def smart_paint(
    labels: LabelArray,
    values: PixelArray,
    path: Way,
    brush: Brush,
    value: int,
    *,
    tolerance: float = 3.0,
    probability: FloatArray | None = None,
    keeps_others: bool = False,
) -> Change:
    """Paint what is under the brush and looks like what is under its middle.

    Parameters
    ----------
    labels : (K, J, I) integer
    values : (K, J, I) or (C, K, J, I)
        Samples of the image, also a lazy array; channels are judged together.
    path : (N, 3)
        Places (k, j, i) of the cursor, as index of the image's grid.
    tolerance : float
        How many standard deviations a voxel may differ from the middle.
    probability : (K, J, I) or None
        The model's of the class that is painted. Where it knows the place at all, the edge is where its probability
        falls below half of that in the middle, and the image is not asked.
    keeps_others : bool
        Paint over the background only.

    Returns
    -------
    Change
        Of voxels that are under the brush, connected with its middle, and alike.

    Notes
    -----
    Confidence-connected growth (Yanowitz & Bruckstein's seeded regions as in ITK, Ibanez et al. 2005), with the
    median and the median absolute deviation, bounded by the brush. The deviation is at least that of the noise
    between neighbours, so that a middle of a few voxels is enough.
    """
    if tolerance <= 0:
        raise OptionError(f"A tolerance is above 0, not {tolerance}.")
    under = footprint(brush, path, labels.shape)
    if under is None:
        return no_change(labels)
    may = allowed(labels, under, value, keeps_others=keeps_others)
    core = _core(brush, path, under.box, labels.shape) & under.mask
    if not core.any():
        return no_change(labels)
    alike = _alike(values, probability, under.box, under.mask, core, tolerance, labels.shape)
    return paint_where(labels, under.box, _closed(alike | core, core) & may, value)


def range_paint(
    labels: LabelArray,
    values: PixelArray,
    path: Way,
    brush: Brush,
    value: int,
    limits: tuple[float, float],
    *,
    keeps_others: bool = False,
) -> Change:
    """Paint those voxels under the brush whose sample lies within limits, both included.

    Parameters
    ----------
    values : (K, J, I) or (C, K, J, I)
        Of several channels the mean counts.
    """
    low, high = limits
    if not low <= high:
        raise OptionError(f"The lower limit {low:g} is above the upper limit {high:g}.")
    under = footprint(brush, path, labels.shape)
    if under is None:
        return no_change(labels)
    here = _channels(values, under.box, labels.shape).mean(axis=0)
    is_within = (here >= low) & (here <= high) & allowed(labels, under, value, keeps_others=keeps_others)
    return paint_where(labels, under.box, is_within, value)


def range_under(
    values: PixelArray, place: Sequence[float] | FloatArray, brush: Brush, shape: tuple[int, ...]
) -> tuple[float, float]:
    """Suggest limits that hold what is under the brush: the 5th and the 95th percentile.

    Raises
    ------
    GridError
        If the brush is outside of the image.
    """
    under = footprint(brush, [np.asarray(place)], shape)
    if under is None:
        raise GridError("There is no image under the brush.")
    here = _channels(values, under.box, shape).mean(axis=0)[under.mask]
    low, high = np.percentile(here, [5, 95])
    return float(low), float(high)


def _core(brush: Brush, path: Way, box: Box, shape: tuple[int, ...]) -> BoolArray:
    """The middle of the brush, as a mask of the box."""
    mask = np.zeros(tuple(part.stop - part.start for part in box), dtype=np.bool_)
    middle = footprint(brush.scaled(_CORE), path, shape)
    if middle is not None:
        inner = tuple(
            slice(one.start - part.start, one.stop - part.start) for one, part in zip(middle.box, box, strict=True)
        )
        mask[inner] = middle.mask
    return mask


def _alike(
    values: PixelArray,
    probability: FloatArray | None,
    box: Box,
    mask: BoolArray,
    core: BoolArray,
    tolerance: float,
    shape: tuple[int, ...],
) -> BoolArray:
    if probability is not None:
        said = probability[box]
        middle = float(np.median(said[core]))
        if middle >= _LEAST_PROBABILITY:
            return _reached((said >= middle / 2) & mask, core)
    here = _channels(values, box, shape)
    noise = np.array([_noise(channel, mask) for channel in here])
    found = core
    for _ in range(_ROUNDS):
        found = _reached((_deviation(here, found, noise) <= tolerance) & mask, core)
    return found


def _deviation(here: FloatArray, region: BoolArray, noise: FloatArray) -> FloatArray:
    """How many standard deviations each voxel is from a region; the mean square over channels."""
    inside = here[:, region]
    middle = np.median(inside, axis=1)
    spread = _MAD_TO_SD * np.median(np.abs(inside - middle[:, None]), axis=1)
    scale = np.clip(spread, noise, 2 * noise)
    away = (here - middle[:, None, None, None]) / scale[:, None, None, None]
    return np.asarray(np.sqrt((away**2).mean(axis=0)))


def _noise(channel: FloatArray, mask: BoolArray) -> float:
    """Standard deviation of a sample, from the differences of neighbours; edges are too few to count."""
    steps = [np.abs(np.diff(channel, axis=axis)).ravel() for axis in (-1, -2) if channel.shape[axis] > 1]
    steps = [one for one in steps if one.size]
    found = _MAD_TO_SD / np.sqrt(2) * float(np.median(np.concatenate(steps))) if steps else 0.0
    low, high = np.percentile(channel[mask], [1, 99])
    return float(max(found, 0.01 * (high - low), 1e-6 * max(abs(low), abs(high)), 1e-12))


def _reached(mask: BoolArray, core: BoolArray) -> BoolArray:
    """The part of a mask that is connected with the core by faces."""
    from scipy import ndimage

    numbers, _ = ndimage.label(mask | core)
    kept = np.unique(numbers[core])
    return np.isin(numbers, kept[kept != 0])


def _closed(mask: BoolArray, core: BoolArray) -> BoolArray:
    """Fill what noise left open, slice by slice across the thinnest axis."""
    from scipy import ndimage

    axis = int(np.argmin(mask.shape))
    plane = np.expand_dims(ndimage.generate_binary_structure(2, 1), axis)
    padded = np.pad(mask, 1)
    closed = ndimage.binary_fill_holes(ndimage.binary_closing(padded, plane), plane)
    return _reached(np.asarray(closed[1:-1, 1:-1, 1:-1], dtype=np.bool_), core)


def _channels(values: PixelArray, box: Box, shape: tuple[int, ...]) -> FloatArray:
    """Cut a box out of the samples, as (C, ...) float32."""
    if values.shape[-3:] != shape:
        raise GridError(f"An image of {values.shape} does not fit labels of {shape}.")
    cut: Any = (Ellipsis, *box)  # numpy's stubs know no mixed tuple
    here = np.asarray(values[cut], dtype=np.float32)
    return here.reshape(-1, *here.shape[-3:])
