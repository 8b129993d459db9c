"""How well objects match a reference, one object with one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np

from napari_medclf.domain.arrays import FloatArray, LabelArray
from napari_medclf.domain.card import Metric
from napari_medclf.domain.errors import GridError
from napari_medclf.engine.metrics.bootstrap import bootstrap_means

IOU_THRESHOLD = 0.5


@dataclass(frozen=True)
class InstanceScores:
    """How well the objects of one case match.

    Parameters
    ----------
    ap50 : float
        TP / (TP + FP + FN), where a pair with an IoU of 0.5 or more counts (as StarDist and the Data
        Science Bowl 2018 have it).
    f1_50 : float
        2 TP / (2 TP + FP + FN).
    pq : float
        Panoptic quality (Kirillov 2019): sum of the matched IoU / (TP + FP/2 + FN/2).
    aji : float
        Aggregated Jaccard index (Kumar 2017).
    foreground_dice : float
        Of object against background.

    Notes
    -----
    All are NaN and left out of averages where neither has an object; 0 where only one has.
    """

    ap50: float
    f1_50: float
    pq: float
    aji: float
    foreground_dice: float


def score_instances(reference: LabelArray, predicted: LabelArray) -> InstanceScores:
    """Compare object numbers (0 is background) of one case.

    Raises
    ------
    GridError
        If the shapes differ.
    """
    if reference.shape != predicted.shape:
        raise GridError(f"Objects of shape {predicted.shape} cannot be compared with those of {reference.shape}.")
    overlap = _count_overlaps(reference, predicted)
    n_reference, n_predicted = overlap.shape[0] - 1, overlap.shape[1] - 1
    if n_reference + n_predicted == 0:
        return InstanceScores(*[float("nan")] * 5)
    iou = _intersection_over_union(overlap)
    matched = _match(iou)
    n_wrong = (n_reference - len(matched)) + (n_predicted - len(matched))
    inside = float(overlap[1:, 1:].sum())
    return InstanceScores(
        ap50=len(matched) / (len(matched) + n_wrong),
        f1_50=2 * len(matched) / (2 * len(matched) + n_wrong),
        pq=sum(matched) / (len(matched) + n_wrong / 2),
        aji=_aggregated_jaccard(overlap, iou),
        foreground_dice=2 * inside / float(overlap[1:].sum() + overlap[:, 1:].sum()),
    )


def measure_instances(
    cases: Sequence[InstanceScores], groups: Sequence[str], *, n_resamples: int = 1000, seed: int = 0
) -> dict[str, Metric]:
    """Average cases, with 95 % intervals by group."""
    return bootstrap_means(list_objects(cases), groups, n_resamples=n_resamples, seed=seed)


def list_objects(cases: Sequence[InstanceScores]) -> dict[str, list[float]]:
    """Give the numbers of each case by name."""
    rows = [asdict(scores) for scores in cases]
    return {name: [row[name] for row in rows] for name in InstanceScores.__dataclass_fields__}


def _count_overlaps(reference: LabelArray, predicted: LabelArray) -> FloatArray:
    """Voxels by reference object (rows) and predicted object (columns); 0 is background in both."""
    _, rows = np.unique(np.concatenate([[0], reference.ravel()]), return_inverse=True)
    _, columns = np.unique(np.concatenate([[0], predicted.ravel()]), return_inverse=True)
    shape = int(rows.max()) + 1, int(columns.max()) + 1
    pairs = rows[1:] * shape[1] + columns[1:]
    return np.bincount(pairs, minlength=shape[0] * shape[1]).reshape(shape).astype(np.float64)


def _intersection_over_union(overlap: FloatArray) -> FloatArray:
    both = overlap[1:, 1:]
    sizes = overlap.sum(axis=1)[1:, np.newaxis] + overlap.sum(axis=0)[np.newaxis, 1:]
    return np.asarray(both / (sizes - both))


def _match(iou: FloatArray) -> list[float]:
    """IoU of the matched pairs; each object is in one pair at most."""
    from scipy.optimize import linear_sum_assignment

    rows, columns = linear_sum_assignment(np.where(iou >= IOU_THRESHOLD, -1 - iou, 0))
    return [float(value) for value in iou[rows, columns] if value >= IOU_THRESHOLD]


def _aggregated_jaccard(overlap: FloatArray, iou: FloatArray) -> float:
    reference_sizes, predicted_sizes = overlap.sum(axis=1)[1:], overlap.sum(axis=0)[1:]
    both, either = 0.0, 0.0
    is_used = np.zeros(len(predicted_sizes), dtype=bool)
    for row, size in enumerate(reference_sizes):
        best = int(iou[row].argmax()) if len(predicted_sizes) else -1
        if best < 0 or iou[row, best] == 0:
            either += size
            continue
        common = overlap[row + 1, best + 1]
        both += common
        either += size + predicted_sizes[best] - common
        is_used[best] = True
    return both / (either + float(predicted_sizes[~is_used].sum()))
