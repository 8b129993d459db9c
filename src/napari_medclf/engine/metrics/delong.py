"""The variance of the area under a curve, and whether two areas on the same cases differ (DeLong 1988)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from napari_medclf.domain.arrays import BoolArray, FloatArray
from napari_medclf.domain.errors import DatasetError

_Z_95 = 1.959963984540054


@dataclass(frozen=True)
class AreaComparison:
    """Two areas under the curve on the same cases.

    Parameters
    ----------
    first, second : float
        The areas.
    difference_ci95 : (low, high)
        Of second - first.
    p_value : float
        Two-sided, of no difference; 1 where both agree in every pair.
    """

    first: float
    second: float
    difference_ci95: tuple[float, float]
    p_value: float

    @property
    def difference(self) -> float:
        """Second - first."""
        return self.second - self.first


def area_interval(truth: BoolArray, scores: FloatArray) -> tuple[float, tuple[float, float]]:
    """Area under the curve with its 95 % interval, cut to [0, 1].

    Cases must be independent: one a patient; otherwise see `area_interval_by_group`.

    Parameters
    ----------
    truth : (N,) bool
    scores : (N,)

    Raises
    ------
    DatasetError
        If there are fewer than two cases with the class, or without it.
    """
    areas, covariance = _areas(truth, scores[np.newaxis])
    half = _Z_95 * float(covariance[0, 0]) ** 0.5
    area = float(areas[0])
    return area, (max(area - half, 0.0), min(area + half, 1.0))


def area_interval_by_group(
    truth: BoolArray, scores: FloatArray, groups: Sequence[str]
) -> tuple[float, tuple[float, float]]:
    """Area under the curve with its 95 % interval where a patient may have several cases (Obuchowski 1997).

    With one case a patient it is `area_interval`.

    Parameters
    ----------
    truth : (N,) bool
    scores : (N,)
    groups : sequence of str
        Patient of each case.

    Raises
    ------
    DatasetError
        If fewer than two patients have a case with the class, or fewer than two one without it.
    """
    _, patient = np.unique(np.asarray(groups), return_inverse=True)
    n_with, n_without = (len(np.unique(patient[one])) for one in (truth, ~truth))
    if n_with < 2 or n_without < 2:
        raise DatasetError(
            f"{n_with} patients with the class and {n_without} without it: an interval needs two of each at least."
        )
    above, below = _placements(truth, scores)
    area = float(above.mean())
    n_patients = int(patient.max()) + 1
    gain = np.zeros(len(truth))
    gain[truth], gain[~truth] = above - area, below - area
    with_class, without = (np.bincount(patient[one], gain[one], n_patients) for one in (truth, ~truth))
    n_positive, n_negative = int(truth.sum()), int((~truth).sum())
    variance = (
        n_with / (n_with - 1) * float(with_class @ with_class) / n_positive**2
        + n_without / (n_without - 1) * float(without @ without) / n_negative**2
        + 2 * n_patients / (n_patients - 1) * float(with_class @ without) / (n_positive * n_negative)
    )
    half = _Z_95 * max(variance, 0.0) ** 0.5
    return area, (max(area - half, 0.0), min(area + half, 1.0))


def compare_areas(truth: BoolArray, first: FloatArray, second: FloatArray) -> AreaComparison:
    """Test whether two models tell the same cases apart equally well.

    Raises
    ------
    DatasetError
        If there are fewer than two cases with the class, or without it.
    """
    areas, covariance = _areas(truth, np.stack([first, second]))
    difference = float(areas[1] - areas[0])
    variance = max(float(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]), 0.0)
    half = _Z_95 * variance**0.5
    interval = (difference - half, difference + half)
    return AreaComparison(float(areas[0]), float(areas[1]), interval, _p_value(difference, variance))


def _p_value(difference: float, variance: float) -> float:
    if variance == 0:
        return 1.0 if difference == 0 else 0.0
    from math import erfc

    return erfc(abs(difference) / variance**0.5 / 2**0.5)


def _areas(truth: BoolArray, scores: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Areas (M,) of M models and their covariance (M, M)."""
    n_positive, n_negative = int(np.count_nonzero(truth)), int(np.count_nonzero(~truth))
    if n_positive < 2 or n_negative < 2:
        raise DatasetError(
            f"{n_positive} cases with the class and {n_negative} without it: an interval needs two of each at least."
        )
    above, below = _placements(truth, scores)
    covariance = np.atleast_2d(np.cov(above)) / n_positive + np.atleast_2d(np.cov(below)) / n_negative
    return above.mean(axis=1), covariance


def _placements(truth: BoolArray, scores: FloatArray) -> tuple[FloatArray, FloatArray]:
    """For each case with the class the part of the others below it, and the reverse (..., n), by mid-ranks.

    Sun & Xu 2014; `scores` is (N,) or (M, N).
    """
    from scipy.stats import rankdata

    n_positive, n_negative = int(np.count_nonzero(truth)), int(np.count_nonzero(~truth))
    positive, negative = scores[..., truth], scores[..., ~truth]
    ranks = rankdata(np.concatenate([positive, negative], axis=-1), axis=-1)
    above = (ranks[..., :n_positive] - rankdata(positive, axis=-1)) / max(n_negative, 1)
    below = 1 - (ranks[..., n_positive:] - rankdata(negative, axis=-1)) / max(n_positive, 1)
    return above, below
