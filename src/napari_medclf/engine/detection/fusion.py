"""Make one box of those that several networks drew around one object."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from napari_medclf.domain.arrays import FloatArray
from napari_medclf.engine.detection.found import Found
from napari_medclf.engine.detection.suppress import iou


def fuse(members: Sequence[Found], weights: Sequence[float], smallest_iou: float) -> Found:
    """Merge the boxes of several networks by weighted boxes fusion (Solovyev, Wang and Gabruseva 2021).

    Parameters
    ----------
    members : sequence of Found
        What each network found on the same grid.
    weights : sequence of float
        How much each network's word counts.
    smallest_iou : float
        Boxes of one class that overlap by more than this are about one object.

    Returns
    -------
    Found
        Corners are means by weight and score. A score is the mean of the boxes, times the share of the networks that
        saw the object.
    """
    every = Found.joined(members)
    weight = np.repeat(np.asarray(weights, dtype=np.float64), [len(one) for one in members])
    fused = [_fuse_class(every, weight, number, sum(weights), len(weights), smallest_iou) for number in _classes(every)]
    return Found.joined(fused).best_first()


def _classes(found: Found) -> list[int]:
    return [int(number) for number in np.unique(found.classes)]


def _fuse_class(
    every: Found, weight: FloatArray, number: int, total: float, n_members: int, smallest_iou: float
) -> Found:
    chosen = np.flatnonzero(every.classes == number)
    counts = every.scores[chosen] * weight[chosen]
    order = np.argsort(-counts, kind="stable")
    clusters: list[list[int]] = []
    middles = np.zeros((0, 2, 3))
    for position in order:
        box = every.boxes[chosen[position]]
        overlap = iou(box, middles)
        best = int(overlap.argmax()) if len(overlap) else -1
        if best >= 0 and overlap[best] > smallest_iou:
            clusters[best].append(int(position))
            middles[best] = _mean_box(every.boxes[chosen[clusters[best]]], counts[clusters[best]])
        else:
            clusters.append([int(position)])
            middles = np.concatenate([middles, box[np.newaxis]])
    scores = [counts[one].mean() * min(len(one), n_members) / total for one in clusters]
    return Found(middles, np.array(scores, dtype=np.float64), np.full(len(clusters), number, dtype=np.int64))


def _mean_box(boxes: FloatArray, counts: FloatArray) -> FloatArray:
    return np.asarray(np.tensordot(counts / counts.sum(), boxes, axes=1))
