"""Images that stand on their head or lie on their side among others that do not."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from napari_medclf.domain.arrays import FloatArray
from napari_medclf.domain.geometry import Geometry

SIDE_FLAT, SIDE_VOLUME = 24, 12
_FEWEST = 8
# How alike an image must be to the others' mean after it was turned, and how much more than before.
_ALIKE, _GAIN = 0.5, 0.25
_MOST_TURNED = 0.1


@dataclass(frozen=True)
class Turn:
    """An image that fits the others better when it is turned or mirrored.

    Parameters
    ----------
    position : int
        Which image.
    way : str
        What to do with it, in words.
    before, after : float
        Its correlation with the mean of the others.
    """

    position: int
    way: str
    before: float
    after: float


def cube_of(gray: FloatArray, geometry: Geometry) -> FloatArray:
    """Reduce an image to 24 x 24 or 12 x 12 x 12 samples with mean 0 and length 1; volumes in the patient's axes.

    Parameters
    ----------
    gray : (K, J, I) float32

    Returns
    -------
    (1, 24, 24) or (12, 12, 12) float32
        A volume's axes lead to inferior, posterior and left, so that its header counts.
    """
    from napari_medclf.engine.grid.resize import resize_samples

    if geometry.is_flat:
        small = resize_samples(np.ascontiguousarray(gray[:1]), (1, SIDE_FLAT, SIDE_FLAT))
    else:
        upright = _in_patient_axes(gray, geometry)
        small = resize_samples(np.ascontiguousarray(upright), (SIDE_VOLUME,) * 3)
    small = np.asarray(small, dtype=np.float32) - np.float32(small.mean())
    length = float(np.linalg.norm(small))
    return small / np.float32(length) if length > 0 else small


def find_turned(cubes: Sequence[FloatArray]) -> list[Turn]:
    """List images that are turned against the others, of the same shape of cube; nothing where no way up is common.

    Mirrored left to right is told only where the others' mean is lop-sided enough.
    """
    turned: list[Turn] = []
    for members in _by_shape(cubes):
        if len(members) >= _FEWEST:
            found = list(_turned_among(np.stack([cubes[number] for number in members]), members))
            turned += found if len(found) <= _MOST_TURNED * len(members) else []
    return turned


def _turned_among(stack: FloatArray, members: Sequence[int]) -> Iterator[Turn]:
    usual = np.median(stack, axis=0)
    usual -= usual.mean()
    length = float(np.linalg.norm(usual))
    if length == 0:
        return
    usual /= length
    as_is = np.tensordot(stack, usual, axes=usual.ndim)
    ways = list(_ways(usual))
    scores = np.stack([np.tensordot(stack, _turned(usual, one), axes=usual.ndim) for one in ways])
    best = scores.argmax(axis=0)
    for row, number in enumerate(members):
        after = float(scores[best[row], row])
        if after > _ALIKE and after - float(as_is[row]) > _GAIN:
            yield Turn(number, ways[best[row]].words, float(as_is[row]), after)


@dataclass(frozen=True)
class _Way:
    """A way that an image may lie: its axes in another order, some of them flipped after that."""

    words: str
    order: tuple[int, ...]
    flips: tuple[int, ...]


def _ways(usual: FloatArray) -> Iterator[_Way]:
    """Yield every way but the usual one."""
    is_flat = usual.shape[0] == 1
    axes = (1, 2) if is_flat else (0, 1, 2)
    orders = [(0, 1, 2), (0, 2, 1)] if is_flat else list(itertools.permutations(range(3)))
    flips = list(itertools.chain.from_iterable(itertools.combinations(axes, n) for n in range(len(axes) + 1)))
    for order, flipped in itertools.product(orders, flips):
        if order != (0, 1, 2) or flipped:
            yield _Way(_words(order, flipped, is_flat=is_flat), order, flipped)


def _words(order: tuple[int, ...], flips: tuple[int, ...], *, is_flat: bool) -> str:
    if is_flat:
        if order == (0, 1, 2):
            return {(1,): "upside down", (2,): "mirrored", (1, 2): "turned by 180 degrees"}[flips]
        return "turned by 90 degrees" if len(flips) == 1 else "turned by 90 degrees and mirrored"
    names = ("head to foot", "front to back", "left to right")
    if order == (0, 1, 2):
        return f"flipped {' and '.join(names[axis] for axis in flips)}"
    return "turned into another plane"


def _turned(usual: FloatArray, way: _Way) -> FloatArray:
    """Turn the mean as the image would have been turned: cheaper than to turn every image back."""
    return np.asarray(np.flip(usual.transpose(way.order), axis=way.flips))


def _in_patient_axes(gray: FloatArray, geometry: Geometry) -> FloatArray:
    """Permute and flip to axes that lead to inferior, posterior and left, without resampling."""
    nearest = geometry.nearest_axes  # (world axis, sign) of each array axis
    order = [next(axis for axis, (world, _) in enumerate(nearest) if world == wanted) for wanted in (2, 1, 0)]
    upright = gray.transpose(order)
    wanted_sign = (-1, 1, 1)  # inferior is -z, posterior +y and left +x of LPS
    flips = [place for place, axis in enumerate(order) if nearest[axis][1] != wanted_sign[place]]
    return np.asarray(np.flip(upright, axis=tuple(flips)))


def _by_shape(cubes: Sequence[FloatArray]) -> list[list[int]]:
    shapes: dict[tuple[int, ...], list[int]] = {}
    for position, one in enumerate(cubes):
        if one.any():
            shapes.setdefault(one.shape, []).append(position)
    return list(shapes.values())
