"""How well boxes are found in many cases: average precision, FROC, and what is right at the model's thresholds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_medclf.domain.arrays import BoolArray, FloatArray, LabelArray
from napari_medclf.domain.card import Metric
from napari_medclf.engine.metrics.bootstrap import Statistic, bootstrap, mean_of_defined
from napari_medclf.engine.metrics.box_matches import IOU_THRESHOLDS, ClassMatches

FROC_RATES = (0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
"""False boxes an image at which sensitivity is averaged (LUNA16; Setio 2017)."""
_RECALLS = np.linspace(0, 1, 101)
_AT = {"ap10": 0.1, "ap50": 0.5}
_AVERAGED = ("ap", "ap10", "ap50", "froc", "sensitivity", "precision", "f1", "false_per_image")


def measure_detection(
    cases: Sequence[Mapping[str, ClassMatches]], groups: Sequence[str], *, n_resamples: int = 1000, seed: int = 0
) -> dict[str, Metric]:
    """Measure a detector, with 95 % intervals by group; `cases` as for `statistic_of_boxes`."""
    return bootstrap(statistic_of_boxes(cases), groups, n_resamples=n_resamples, seed=seed)


def statistic_of_boxes(cases: Sequence[Mapping[str, ClassMatches]]) -> Statistic:
    """Make the statistic that scores the drawn cases.

    Parameters
    ----------
    cases : sequence of dict
        Of every case, the matches by class: all boxes, also those with low scores.

    Returns
    -------
    callable
        Gives, of each class and averaged over them: ``ap`` (mean over an IoU of 0.5 to 0.95, interpolated at 101
        recalls; Lin 2014), ``ap50``, ``ap10``; ``froc``, the mean sensitivity at `FROC_RATES`; and at the class's
        threshold, with an IoU of 0.5, ``sensitivity``, ``precision``, ``f1`` and ``false_per_image``. A class without a
        reference has none but the false boxes. The averages of the first three are named ``map``, ``map50`` and
        ``map10``.
    """
    names = tuple(dict.fromkeys(name for one in cases for name in one))
    pooled = {name: _pool([one[name] for one in cases]) for name in names}

    def statistic(chosen: NDArray[np.intp]) -> Mapping[str, float]:
        counts = np.bincount(chosen, minlength=len(cases)).astype(np.float64)
        of_class = {name: _score_class(one, counts) for name, one in pooled.items()}
        scores = {kind: mean_of_defined([one[kind] for one in of_class.values()]) for kind in _AVERAGED}
        named = {f"m{kind}" if kind.startswith("ap") else kind: value for kind, value in scores.items()}
        return named | {f"{kind}/{name}": value for name, one in of_class.items() for kind, value in one.items()}

    return statistic


@dataclass(frozen=True, eq=False)
class _Pool:
    """Boxes of one class over all cases, best first, each with the number of its case."""

    scores: FloatArray
    is_right: BoolArray
    case: LabelArray
    n_reference: FloatArray
    """A case each."""
    hit_scores: FloatArray
    hit_case: LabelArray
    false_scores: FloatArray
    false_case: LabelArray
    threshold: float


def _pool(cases: Sequence[ClassMatches]) -> _Pool:
    scores = np.concatenate([one.scores for one in cases])
    order = np.argsort(-scores, kind="stable")
    return _Pool(
        scores=scores[order],
        is_right=np.concatenate([one.is_right for one in cases], axis=1)[:, order],
        case=_numbered([one.scores for one in cases])[order],
        n_reference=np.array([one.n_reference for one in cases], dtype=np.float64),
        hit_scores=np.concatenate([one.hit_scores for one in cases]),
        hit_case=_numbered([one.hit_scores for one in cases]),
        false_scores=np.concatenate([one.false_scores for one in cases]),
        false_case=_numbered([one.false_scores for one in cases]),
        threshold=cases[0].threshold,
    )


def _numbered(arrays: Sequence[FloatArray]) -> LabelArray:
    return np.repeat(np.arange(len(arrays)), [len(one) for one in arrays])


def _score_class(pool: _Pool, counts: FloatArray) -> dict[str, float]:
    n_reference = float(pool.n_reference @ counts)
    weights = counts[pool.case]
    rows = zip(IOU_THRESHOLDS, pool.is_right, strict=True)
    by_iou = {at: _average_precision(is_right, weights, n_reference) for at, is_right in rows}
    seen, alarms = counts[pool.hit_case], counts[pool.false_case]
    rates, sensitivities = froc_curve(pool.hit_scores, pool.false_scores, seen, alarms)
    froc = float(np.interp(FROC_RATES, rates / counts.sum(), sensitivities).mean()) if n_reference else float("nan")
    return {
        "ap": mean_of_defined([value for at, value in by_iou.items() if at >= 0.5]),
        **{kind: by_iou[at] for kind, at in _AT.items()},
        "froc": froc,
        **_at_threshold(pool, counts, n_reference),
    }


def _average_precision(is_right: BoolArray, weights: FloatArray, n_reference: float) -> float:
    """Area under the precision by recall, made falling and read at 101 recalls (COCO); NaN without a reference."""
    if not n_reference:
        return float("nan")
    n_right, n_said = np.cumsum(weights * is_right), np.cumsum(weights)
    precision = np.divide(n_right, n_said, out=np.zeros_like(n_right), where=n_said > 0)
    falling = np.maximum.accumulate(precision[::-1])[::-1]
    at = np.searchsorted(n_right / n_reference, _RECALLS, side="left")
    return float(np.append(falling, 0.0)[np.minimum(at, len(falling))].mean())


def froc_curve(
    hit_scores: FloatArray, false_scores: FloatArray, hit_weights: FloatArray, false_weights: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Give the number of false boxes and the sensitivity at every score, the highest score first.

    Parameters
    ----------
    hit_scores : (n_reference,)
        Highest score in each reference; -1 for those that were missed.
    false_scores : (n_false,)
    hit_weights, false_weights
        How often each counts.

    Returns
    -------
    (m,), (m,) float64
        Both rise; the first point is none of either.
    """
    scores = np.unique(np.concatenate([hit_scores[hit_scores >= 0], false_scores]))[::-1]
    n_false = _count_from(false_scores, false_weights, scores)
    n_hit = _count_from(hit_scores, hit_weights, scores)
    whole = float(hit_weights.sum())
    sensitivity = n_hit / whole if whole else np.full(len(scores), np.nan)
    return np.append(0.0, n_false), np.append(0.0, sensitivity)


def _count_from(values: FloatArray, weights: FloatArray, scores: FloatArray) -> FloatArray:
    """Sum the weights of the values that reach each score."""
    order = np.argsort(-values, kind="stable")
    total = np.append(0.0, np.cumsum(weights[order]))
    return np.asarray(total[np.searchsorted(-values[order], -scores, side="right")])


def _at_threshold(pool: _Pool, counts: FloatArray, n_reference: float) -> dict[str, float]:
    is_said = pool.scores >= pool.threshold
    weights = counts[pool.case] * is_said
    n_said = float(weights.sum())
    n_right = float(weights @ pool.is_right[IOU_THRESHOLDS.index(0.5)])
    return {
        "sensitivity": n_right / n_reference if n_reference else float("nan"),
        "precision": n_right / n_said if n_said else float("nan"),
        "f1": 2 * n_right / (n_said + n_reference) if n_said + n_reference else float("nan"),
        "false_per_image": (n_said - n_right) / float(counts.sum()),
    }


def best_f1_score(cases: Sequence[ClassMatches]) -> float | None:
    """Find the score from which boxes of a class have the best F1 at an IoU of 0.5; None without a right box.

    Returns
    -------
    float or None
        Half-way down to the next score.
    """
    pool = _pool(cases)
    right = pool.is_right[IOU_THRESHOLDS.index(0.5)]
    if not right.any():
        return None
    f1 = 2 * np.cumsum(right) / (np.arange(1, len(right) + 1) + pool.n_reference.sum())
    is_cut = np.append(np.diff(pool.scores) != 0, True)
    best = int(np.argmax(np.where(is_cut, f1, -1)))
    below = pool.scores[best + 1] if best + 1 < len(right) else 0.0
    return float((pool.scores[best] + below) / 2)
