"""Put object maps that were made tile by tile together: what two tiles saw of one object becomes one."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from napari_medclf.domain.arrays import LabelArray
from napari_medclf.domain.geometry import Shape3
from napari_medclf.engine.instances.numbers import number_without_gaps


def stitch_tiles(tiles: Iterable[tuple[Shape3, LabelArray]], shape: Shape3, *, smallest_iou: float = 0.5) -> LabelArray:
    """Join tiles of objects that overlap.

    Parameters
    ----------
    tiles : iterable of (start, labels)
        First index (k, j, i) of each tile, and its own object numbers (0 is background). Neighbours must share voxels:
        what they saw of one object is compared there.
    shape : (K, J, I)
        Of the whole.
    smallest_iou : float
        Two objects are one where, in the voxels that both tiles saw, they overlap by this much or more.

    Returns
    -------
    (K, J, I) int32
        Objects from 1 without gaps. Where tiles disagree, the one that came first is believed.
    """
    whole = np.zeros(shape, dtype=np.int64)
    is_seen = np.zeros(shape, dtype=bool)
    parents: list[int] = [0]
    for start, labels in tiles:
        cut = tuple(slice(first, first + n) for first, n in zip(start, labels.shape, strict=True))
        numbers = np.where(labels > 0, labels.astype(np.int64) + len(parents) - 1, 0)
        parents += range(len(parents), len(parents) + int(labels.max(initial=0)))
        known = _roots(parents)[whole[cut]]  # parts of one object that several tiles gave count together
        for before, now in _same_objects(known, numbers, is_seen[cut], smallest_iou):
            parents[_root(parents, now)] = _root(parents, before)
        whole[cut] = np.where(is_seen[cut], whole[cut], numbers)
        is_seen[cut] = True
    return number_without_gaps(_roots(parents)[whole])


def _same_objects(
    before: LabelArray, now: LabelArray, is_shared: np.ndarray, smallest_iou: float
) -> Iterable[tuple[int, int]]:
    """Pairs of objects that overlap enough where both tiles looked."""
    one, other = before[is_shared], now[is_shared]
    pairs, common = np.unique(np.stack([one, other])[:, (one > 0) & (other > 0)], axis=1, return_counts=True)
    sizes_one = dict(zip(*(found.tolist() for found in np.unique(one, return_counts=True)), strict=True))
    sizes_other = dict(zip(*(found.tolist() for found in np.unique(other, return_counts=True)), strict=True))
    for (first, second), n_common in zip(pairs.T.tolist(), common.tolist(), strict=True):
        if n_common >= smallest_iou * (sizes_one[first] + sizes_other[second] - n_common):
            yield first, second


def _roots(parents: list[int]) -> LabelArray:
    return np.array([_root(parents, number) for number in range(len(parents))], dtype=np.int64)


def _root(parents: list[int], number: int) -> int:
    while parents[number] != number:
        parents[number] = parents[parents[number]]
        number = parents[number]
    return number
