"""How near estimated numbers come to those that are known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from napari_medclf.domain.arrays import FloatArray
from napari_medclf.domain.card import Metric
from napari_medclf.domain.errors import DatasetError
from napari_medclf.engine.metrics.bootstrap import Statistic, bootstrap, mean_of_defined

WITHOUT_UNIT = ("r2", "pearson", "icc")
"""Numbers that can be averaged over quantities of different units."""
_LIMIT_SD = 1.96


def measure_regression(
    truth: FloatArray,
    found: FloatArray,
    names: Sequence[str],
    groups: Sequence[str],
    *,
    n_resamples: int = 1000,
    seed: int = 0,
) -> dict[str, Metric]:
    """Measure estimates of a set, with 95 % intervals by group.

    Parameters
    ----------
    truth, found : (N, Q)
        Known and estimated numbers; NaN in `truth` where one is not known.
    groups : sequence of str
        Patient of each case.

    Returns
    -------
    dict of str to Metric
        As `score_regression`.

    Raises
    ------
    DatasetError
        If the arrays do not fit together.
    """
    return bootstrap(statistic_of_numbers(truth, found, names), groups, n_resamples=n_resamples, seed=seed)


def statistic_of_numbers(truth: FloatArray, found: FloatArray, names: Sequence[str]) -> Statistic:
    """Make the statistic that scores the drawn cases; arguments as for `measure_regression`.

    Raises
    ------
    DatasetError
        If the arrays do not fit together.
    """
    shape = (len(truth), len(names))
    for what, array in (("truth", truth), ("found", found)):
        if array.shape != shape:
            raise DatasetError(f"{what} has shape {array.shape}, expected {shape} (cases, quantities).")

    def statistic(chosen: NDArray[np.intp]) -> Mapping[str, float]:
        return score_regression(truth[chosen], found[chosen], names)

    return statistic


def score_regression(truth: FloatArray, found: FloatArray, names: Sequence[str]) -> dict[str, float]:
    """Compute every number once, without intervals.

    Returns
    -------
    dict of str to float
        ``mae/<name>``, ``rmse``, ``median_error``, in the quantity's unit; ``bias`` (found - truth) with the limits of
        agreement ``loa_low`` and ``loa_high`` (Bland & Altman 1986); ``r2``; ``pearson``; ``icc`` (`agreement`). Those
        without a unit are averaged over the quantities; with a single quantity all stand without its name, too. A
        number without enough cases, or of cases that are all alike, is NaN.
    """
    scores: dict[str, float] = {}
    for position, name in enumerate(names):
        one = _score_quantity(truth[:, position], found[:, position])
        scores.update({f"{metric}/{name}": value for metric, value in one.items()})
    metrics = [name.partition("/")[0] for name in scores] if len(names) == 1 else WITHOUT_UNIT
    return {metric: mean_of_defined([scores[f"{metric}/{name}"] for name in names]) for metric in metrics} | scores


def agreement(ratings: FloatArray) -> float:
    """Intraclass correlation of single ratings for absolute agreement, ICC(2,1) or ICC(A,1).

    Parameters
    ----------
    ratings : (N, R)
        A row a case, a column a rater.

    Notes
    -----
    Two-way random effects: Shrout & Fleiss 1979, McGraw & Wong 1996. A model that is off by a constant agrees less,
    which a correlation does not see.
    """
    n, n_raters = ratings.shape
    if n < 2:
        return float("nan")
    mean = ratings.mean()
    of_case = ratings.mean(axis=1) - mean
    of_rater = ratings.mean(axis=0) - mean
    rest = ratings - mean - of_case[:, np.newaxis] - of_rater
    between_cases = n_raters * float((of_case**2).sum()) / (n - 1)
    between_raters = n * float((of_rater**2).sum()) / (n_raters - 1)
    error = float((rest**2).sum()) / ((n - 1) * (n_raters - 1))
    whole = between_cases + (n_raters - 1) * error + n_raters * (between_raters - error) / n
    return (between_cases - error) / whole if whole else float("nan")


def _score_quantity(truth: FloatArray, found: FloatArray) -> dict[str, float]:
    is_known = ~np.isnan(truth)
    truth, found = truth[is_known].astype(np.float64), found[is_known].astype(np.float64)
    if not truth.size:
        return dict.fromkeys(_NAMES, float("nan"))
    error = found - truth
    bias = float(error.mean())
    spread = float(error.std(ddof=1)) if error.size > 1 else float("nan")
    return {
        "mae": float(np.abs(error).mean()),
        "rmse": float((error**2).mean() ** 0.5),
        "median_error": float(np.median(np.abs(error))),
        "bias": bias,
        "loa_low": bias - _LIMIT_SD * spread,
        "loa_high": bias + _LIMIT_SD * spread,
        "r2": _explained(truth, error),
        "pearson": _correlation(truth, found),
        "icc": agreement(np.column_stack([truth, found])),
    }


_NAMES = ("mae", "rmse", "median_error", "bias", "loa_low", "loa_high", "r2", "pearson", "icc")


def _explained(truth: FloatArray, error: FloatArray) -> float:
    spread = float(((truth - truth.mean()) ** 2).sum())
    return 1 - float((error**2).sum()) / spread if spread else float("nan")


def _correlation(truth: FloatArray, found: FloatArray) -> float:
    one, other = truth - truth.mean(), found - found.mean()
    size = float((one @ one) * (other @ other)) ** 0.5
    return float(one @ other) / size if size else float("nan")
