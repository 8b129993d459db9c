"""Confidence intervals that respect which cases belong to one patient."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from napari_medclf.domain.card import Metric
from napari_medclf.domain.errors import DatasetError

Statistic = Callable[[NDArray[np.intp]], Mapping[str, float]]
"""From the indices of the drawn cases (with repetitions) to named numbers."""
_LEVEL_PERCENT = (2.5, 97.5)


def bootstrap(
    statistic: Statistic, groups: Sequence[str], *, n_resamples: int = 1000, seed: int = 0
) -> dict[str, Metric]:
    """Measure numbers on all cases, with 95 % percentile intervals (Efron 1979) by group.

    Parameters
    ----------
    statistic : callable
        A number that is not defined for a draw is NaN and left out of the interval.
    groups : sequence of str
        One a case. Groups are drawn with repetition, and all cases of a drawn group come along:
        several images of one patient are not independent.

    Returns
    -------
    dict of str to Metric
        Without an interval where there are fewer than two groups.

    Raises
    ------
    DatasetError
        If there are no cases.
    """
    if not groups:
        raise DatasetError("There are no cases to measure on.")
    whole = statistic(np.arange(len(groups)))
    members = _list_members(groups)
    if len(members) < 2:
        return {name: Metric(value=value) for name, value in whole.items()}
    rng = np.random.default_rng(seed)
    drawn: dict[str, list[float]] = {name: [] for name in whole}
    for _ in range(n_resamples):
        chosen = rng.integers(len(members), size=len(members))
        for name, value in statistic(np.concatenate([members[number] for number in chosen])).items():
            drawn[name].append(value)
    return {name: Metric(value=value, ci95=_interval(drawn[name])) for name, value in whole.items()}


def bootstrap_means(
    values: Mapping[str, Sequence[float]], groups: Sequence[str], *, n_resamples: int = 1000, seed: int = 0
) -> dict[str, Metric]:
    """Average per-case numbers (NaN is left out), with 95 % intervals by group."""
    return bootstrap(statistic_of_means(values), groups, n_resamples=n_resamples, seed=seed)


def statistic_of_means(values: Mapping[str, Sequence[float]]) -> Statistic:
    """Make the statistic that averages per-case numbers; NaN is left out."""
    table = {name: np.asarray(row, dtype=np.float64) for name, row in values.items()}

    def statistic(chosen: NDArray[np.intp]) -> Mapping[str, float]:
        return {name: mean_of_defined(row[chosen]) for name, row in table.items()}

    return statistic


def mean_of_defined(values: Sequence[float] | NDArray[np.float64]) -> float:
    """Average what is not NaN; NaN where nothing is."""
    array = np.asarray(values, dtype=np.float64)
    array = array[~np.isnan(array)]
    return float(array.mean()) if array.size else float("nan")


def _list_members(groups: Sequence[str]) -> list[NDArray[np.intp]]:
    members: dict[str, list[int]] = {}
    for position, group in enumerate(groups):
        members.setdefault(group, []).append(position)
    return [np.array(positions, dtype=np.intp) for positions in members.values()]


def _interval(values: Sequence[float]) -> tuple[float, float] | None:
    array = np.asarray(values, dtype=np.float64)
    array = array[~np.isnan(array)]
    if not array.size:
        return None
    low, high = np.percentile(array, _LEVEL_PERCENT)
    return float(low), float(high)
