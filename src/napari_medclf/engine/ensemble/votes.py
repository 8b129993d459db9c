"""One label map of many: the label that most of them give a voxel, and how many say otherwise."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from napari_medclf.domain.arrays import FloatArray, LabelArray


def vote_labels(maps: Sequence[LabelArray], weights: Sequence[float], values: Sequence[int]) -> LabelArray:
    """Give every voxel the label with most weight behind it.

    Parameters
    ----------
    maps : sequence of (K, J, I) integer
        Labels of the members.
    values : sequence of int
        Labels that are possible; where two have the same weight, the one that comes first wins.

    Notes
    -----
    Slice by slice, so that hardly more memory is taken than the answer needs.
    """
    answer = np.empty_like(maps[0])
    for k in range(len(answer)):
        best = np.full(answer.shape[1:], -1.0, dtype=np.float32)
        for value in values:
            count = np.zeros_like(best)
            for one, weight in zip(maps, weights, strict=True):
                count += np.float32(weight) * (one[k] == value)
            wins = count > best + np.float32(1e-6)
            best[wins] = count[wins]
            answer[k][wins] = value
    return answer


def disagreement(maps: Sequence[LabelArray], answer: LabelArray) -> FloatArray:
    """Tell which part of the members gives a voxel another label than the answer, (K, J, I) float32 in [0, 1]."""
    part = np.zeros(answer.shape, dtype=np.float32)
    for one in maps:
        for k in range(len(answer)):
            part[k] += one[k] != answer[k]
    part /= np.float32(len(maps))
    return part
