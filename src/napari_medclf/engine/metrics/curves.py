"""Curves over all thresholds: sensitivity against false alarms, precision against recall, with a band by patient."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from napari_medclf.domain.arrays import BoolArray, FloatArray
from napari_medclf.engine.metrics.bootstrap import N_RESAMPLES, draws, percentiles

N_BAND_POINTS = 51
_STRAIGHT = 1e-12


@dataclass(frozen=True, eq=False)
class Curve:
    """Points of a curve, from the strictest threshold to the laxest.

    Parameters
    ----------
    x, y : (n,) float64
        In [0, 1]: false-positive rate and sensitivity, or recall and precision.
    thresholds : (n,) float64
        A case is called positive where its score is at least this; infinite for the point where none is.
    """

    x: FloatArray
    y: FloatArray
    thresholds: FloatArray


@dataclass(frozen=True, eq=False)
class Band:
    """95 % of the curves of redrawn patients lie here at each x: pointwise, not all along the curve."""

    x: FloatArray
    low: FloatArray
    high: FloatArray


def roc_curve(truth: BoolArray, scores: FloatArray) -> Curve:
    """Sensitivity against false-positive rate at every threshold that changes a decision.

    NaN throughout where a class is empty.
    """
    thresholds, n_found, n_said = _counts(truth, scores)
    n_positive = int(np.count_nonzero(truth))
    return Curve(
        _share(np.append(0, n_said - n_found), len(truth) - n_positive),
        _share(np.append(0, n_found), n_positive),
        np.append(np.inf, thresholds),
    )


def precision_recall_curve(truth: BoolArray, scores: FloatArray) -> Curve:
    """Precision against recall at every threshold that changes a decision; NaN where no case has the class."""
    thresholds, n_found, n_said = _counts(truth, scores)
    recall = _share(n_found, int(np.count_nonzero(truth)))
    return Curve(recall, n_found / n_said, thresholds)


def roc_band(
    truth: BoolArray, scores: FloatArray, groups: Sequence[str], *, n_resamples: int = N_RESAMPLES, seed: int = 0
) -> Band:
    """Sensitivity at fixed false-positive rates over redrawn patients (vertical averaging, Fawcett 2006)."""

    def on_grid(grid: FloatArray, n_found: FloatArray, n_said: FloatArray) -> FloatArray:
        n_false = n_said - n_found
        if not n_found[-1] or not n_false[-1]:
            return np.full(len(grid), np.nan)
        x, y = n_false / n_false[-1], n_found / n_found[-1]
        return np.asarray(np.interp(grid, np.append(0.0, x), np.append(0.0, y)))

    return _band(on_grid, truth, scores, groups, n_resamples, seed)


def precision_recall_band(
    truth: BoolArray, scores: FloatArray, groups: Sequence[str], *, n_resamples: int = N_RESAMPLES, seed: int = 0
) -> Band:
    """Precision at fixed recalls over redrawn patients; between points the curve is a step, as in its area."""

    def on_grid(grid: FloatArray, n_found: FloatArray, n_said: FloatArray) -> FloatArray:
        if not n_found[-1]:
            return np.full(len(grid), np.nan)
        first = np.searchsorted(n_found / n_found[-1], np.maximum(grid - 1e-12, 1e-12))
        return np.asarray(n_found[first] / n_said[first])

    return _band(on_grid, truth, scores, groups, n_resamples, seed)


def thin(curve: Curve, n_most: int = 200) -> Curve:
    """Keep the corners of a long curve, and of too many of them about evenly spaced ones, with both ends."""
    if len(curve.x) <= n_most:
        return curve
    bends = (np.abs(np.diff(curve.x, 2)) > _STRAIGHT) | (np.abs(np.diff(curve.y, 2)) > _STRAIGHT)
    corners = np.flatnonzero(np.concatenate([[True], bends, [True]]))
    kept = corners[np.unique(np.linspace(0, len(corners) - 1, min(n_most, len(corners))).round().astype(int))]
    return Curve(curve.x[kept], curve.y[kept], curve.thresholds[kept])


def _counts(truth: BoolArray, scores: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Thresholds from high to low; cases at or above each that have the class, and all of them."""
    order = np.argsort(-scores, kind="stable")
    is_last_of_score = np.append(np.diff(scores[order]) != 0, True)
    n_found = np.cumsum(truth[order], dtype=np.float64)[is_last_of_score]
    return scores[order][is_last_of_score], n_found, np.flatnonzero(is_last_of_score) + 1.0


def _share(counts: FloatArray, n: int) -> FloatArray:
    return np.asarray(counts / n) if n else np.full(len(counts), np.nan)


def _band(
    on_grid: Callable[[FloatArray, FloatArray, FloatArray], FloatArray],
    truth: BoolArray,
    scores: FloatArray,
    groups: Sequence[str],
    n_resamples: int,
    seed: int,
) -> Band:
    """Redraw patients; the cases are sorted once, and a draw is how often each of them counts."""
    grid = np.linspace(0, 1, N_BAND_POINTS)
    order = np.argsort(-scores, kind="stable")
    is_last_of_score = np.append(np.diff(scores[order]) != 0, True)
    has_class = truth[order]
    rows = np.empty((n_resamples, len(grid)))
    for number, chosen in enumerate(draws(groups, n_resamples=n_resamples, seed=seed)):
        weights = np.bincount(chosen, minlength=len(truth))[order].astype(np.float64)
        n_found = np.cumsum(weights * has_class)[is_last_of_score]
        rows[number] = on_grid(grid, n_found, np.cumsum(weights)[is_last_of_score])
    rows = rows[~np.isnan(rows).any(axis=1)]
    if not len(rows) or len(set(groups)) < 2:
        return Band(grid, np.full(len(grid), np.nan), np.full(len(grid), np.nan))
    low, high = np.percentile(rows, percentiles(len(set(groups))), axis=0)
    return Band(grid, low, high)
