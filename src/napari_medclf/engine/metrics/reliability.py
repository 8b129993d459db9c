"""Whether a probability of 0.8 comes true in 8 of 10 cases: bins, slope, intercept, and the part of the temperature."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from napari_medclf.domain.arrays import BoolArray, FloatArray

N_BINS = 10
_Z_95 = 1.959963984540054
_SMALLEST = 1e-6
"""Probabilities are kept this far from 0 and 1 before their logarithm is taken."""
_MOST_STEPS, _ENOUGH, _NEARLY = 30, 1e-12, 1e-6
_STEEPEST = 1e3
"""A slope beyond this means that the classes are parted without error, and there is no largest likelihood."""


@dataclass(frozen=True)
class Bin:
    """Cases of about the same probability.

    Parameters
    ----------
    low, high : float
        Least and largest probability in the bin.
    n_cases, n_groups : int
        How many cases, and patients.
    mean_probability, observed : float
        What was said on average, and the part of the cases that have the class.
    ci95 : (low, high)
        Of `observed`.
    """

    low: float
    high: float
    n_cases: int
    n_groups: int
    mean_probability: float
    observed: float
    ci95: tuple[float, float]


def reliability(
    truth: BoolArray, probabilities: FloatArray, groups: Sequence[str], *, n_bins: int = N_BINS
) -> tuple[Bin, ...]:
    """Cut cases into bins of about equal numbers, lowest probability first; equal probabilities stay together.

    Notes
    -----
    Intervals are Wilson's (1927) with as many trials as the bin has patients: wide where few patients gave
    many images.
    """
    order = np.argsort(probabilities, kind="stable")
    inner = np.linspace(0, len(order), min(n_bins, len(order)) + 1).round().astype(int)[1:-1]
    cuts = np.unique(np.searchsorted(probabilities[order], probabilities[order][inner], side="left"))
    names = np.asarray(groups)
    return tuple(
        _bin(truth[part], probabilities[part], names[part].tolist()) for part in np.split(order, cuts) if part.size
    )


def wilson_interval(share: float, n: int) -> tuple[float, float]:
    """95 % interval of a share of `n` independent trials (Wilson 1927)."""
    z2 = _Z_95**2
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = _Z_95 / (1 + z2 / n) * (share * (1 - share) / n + z2 / (4 * n**2)) ** 0.5
    return (0.0 if share == 0 else middle - half), (1.0 if share == 1 else middle + half)


def calibration_line(truth: BoolArray, probabilities: FloatArray) -> tuple[float, float]:
    """Slope and intercept of the logistic regression of the truth on the log-odds that were said (Cox 1958).

    Returns
    -------
    slope : float
        1 is ideal; below 1 the probabilities are too extreme (Van Calster 2019).
    intercept : float
        Calibration in the large, with the slope held at 1: 0 is ideal; below 0 the class is said too often.

    Notes
    -----
    NaN where a class is empty, or the classes are parted without error (no finite slope).
    """
    slopes, intercepts = calibration_lines(truth, probabilities, np.ones((1, len(truth))))
    return float(slopes[0]), float(intercepts[0])


def calibration_lines(
    truth: BoolArray, probabilities: FloatArray, weights: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Fit `calibration_line` to many draws of the cases at once, by Newton's method.

    Parameters
    ----------
    weights : (R, N)
        How often each case stands in each draw.

    Returns
    -------
    slopes, intercepts : (R,)
    """
    odds = _log_odds(probabilities)
    nothing = np.zeros(len(odds))
    slopes, _ = _newton(odds, nothing, truth, weights)
    _, intercepts = _newton(nothing, odds, truth, weights)
    return slopes, intercepts


def without_temperature(probabilities: FloatArray, temperature: float, *, is_exclusive: bool) -> FloatArray:
    """Undo a temperature: what the network alone would have said.

    Parameters
    ----------
    probabilities : (N, C)
        Softmax (or sigmoids, where classes are not exclusive) of logits / temperature.
    """
    if is_exclusive:
        logits = np.log(np.maximum(probabilities, 1e-300)) * temperature
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        return np.asarray(powers / powers.sum(axis=1, keepdims=True))
    return np.asarray(1 / (1 + np.exp(-_log_odds(probabilities) * temperature)))


def _bin(truth: BoolArray, probabilities: FloatArray, groups: Sequence[str]) -> Bin:
    n_groups = len(set(groups))
    observed = float(truth.mean())
    return Bin(
        low=float(probabilities.min()),
        high=float(probabilities.max()),
        n_cases=len(truth),
        n_groups=n_groups,
        mean_probability=float(probabilities.mean()),
        observed=observed,
        ci95=wilson_interval(observed, n_groups),
    )


def _log_odds(probabilities: FloatArray) -> FloatArray:
    kept = np.clip(probabilities.astype(np.float64), _SMALLEST, 1 - _SMALLEST)
    return np.asarray(np.log(kept) - np.log1p(-kept))


def _newton(
    column: FloatArray, offset: FloatArray, truth: BoolArray, weights: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Slopes and intercepts (R,) of logistic regressions on one column; NaN where there is no largest likelihood.

    A column of zeros has no slope, and its intercept is fitted alone.
    """
    is_alone = not column.any()
    slope, intercept = np.zeros(len(weights)), np.zeros(len(weights))
    step = np.full(len(weights), np.inf)
    for _ in range(_MOST_STEPS):
        said = 1 / (
            1 + np.exp(-np.clip(np.multiply.outer(slope, column) + intercept[:, np.newaxis] + offset, -700, 700))
        )
        spread, rest = weights * said * (1 - said), weights * (truth - said)
        a, b, c = spread.sum(axis=1), spread @ column, spread @ column**2
        up, across = rest.sum(axis=1), rest @ column
        with np.errstate(all="ignore"):
            size = a if is_alone else a * c - b * b
            by_intercept = up / a if is_alone else (c * up - b * across) / size
            by_slope = np.zeros_like(a) if is_alone else (a * across - b * up) / size
        intercept, slope = intercept + by_intercept, slope + by_slope
        step = np.abs(by_intercept) + np.abs(by_slope)
        is_lost = ~(np.abs(intercept) + np.abs(slope) < _STEEPEST)
        intercept[is_lost] = slope[is_lost] = np.nan
        if not (step[~is_lost] > _ENOUGH).any():
            break
    is_open = ~(step < _NEARLY)
    return np.where(is_open, np.nan, slope), np.where(is_open, np.nan, intercept)
