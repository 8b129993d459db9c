"""What a classifier does at one threshold, chosen for the sensitivity that its use needs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from napari_medclf.domain.arrays import BoolArray, FloatArray
from napari_medclf.domain.card import Metric
from napari_medclf.domain.errors import DatasetError
from napari_medclf.engine.metrics.bootstrap import N_RESAMPLES, bootstrap


def threshold_for_sensitivity(truth: BoolArray, scores: FloatArray, sensitivity: float) -> float:
    """Find the highest threshold at which at least this part of the cases with the class is found.

    A case is found where its score is at least the threshold.

    Raises
    ------
    DatasetError
        If no case has the class, or the sensitivity is not in (0, 1].
    """
    if not 0 < sensitivity <= 1:
        raise DatasetError(f"A sensitivity of {sensitivity:g} cannot be asked for; it must be above 0 and at most 1.")
    positive = np.sort(scores[truth])[::-1]
    if not positive.size:
        raise DatasetError("No case has the class, so no threshold can be chosen for it.")
    n_wanted = math.ceil(sensitivity * positive.size - 1e-9)
    return float(positive[max(n_wanted, 1) - 1])


def score_at(truth: BoolArray, scores: FloatArray, threshold: float) -> dict[str, float]:
    """Sensitivity, specificity, precision (PPV) and negative predictive value at a threshold; NaN where 0 / 0."""
    said = scores >= threshold
    n_right, n_said, n_positive = (int(np.count_nonzero(one)) for one in (truth & said, said, truth))
    n_left = int(np.count_nonzero(~truth & ~said))
    return {
        "sensitivity": _ratio(n_right, n_positive),
        "specificity": _ratio(n_left, len(truth) - n_positive),
        "precision": _ratio(n_right, n_said),
        "npv": _ratio(n_left, len(truth) - n_said),
    }


def measure_at(
    truth: BoolArray,
    scores: FloatArray,
    groups: Sequence[str],
    *,
    threshold: float | None = None,
    sensitivity: float = 0.95,
    n_resamples: int = N_RESAMPLES,
    seed: int = 0,
) -> dict[str, Metric]:
    """Measure an operating point, with 95 % intervals by group.

    Parameters
    ----------
    threshold : float or None
        Chosen on other cases, as it should be. None: it is chosen for `sensitivity` on these cases, anew in every
        draw, so that the other numbers' intervals contain the choice; the sensitivity is then met by construction.

    Raises
    ------
    DatasetError
        If a threshold must be chosen and no case has the class.
    """
    if threshold is None:
        threshold_for_sensitivity(truth, scores, sensitivity)

    def statistic(chosen: NDArray[np.intp]) -> Mapping[str, float]:
        has, drawn = truth[chosen], scores[chosen]
        if threshold is not None:
            return {"threshold": threshold} | score_at(has, drawn, threshold)
        if not has.any():
            return dict.fromkeys(("threshold", "sensitivity", "specificity", "precision", "npv"), float("nan"))
        limit = threshold_for_sensitivity(has, drawn, sensitivity)
        return {"threshold": limit} | score_at(has, drawn, limit)

    return bootstrap(statistic, groups, n_resamples=n_resamples, seed=seed)


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")
