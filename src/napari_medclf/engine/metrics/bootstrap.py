"""Confidence intervals that respect which cases belong to one patient."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from napari_medclf.domain.card import Metric
from napari_medclf.domain.errors import DatasetError
from napari_medclf.domain.events import Job, Progress

Statistic = Callable[[NDArray[np.intp]], Mapping[str, float]]
"""From the indices of the drawn cases (with repetitions) to named numbers."""
N_RESAMPLES = 1000
_LEVEL = 0.95
_SECONDS_BETWEEN_YIELDS = 0.3


def bootstrap(
    statistic: Statistic, groups: Sequence[str], *, n_resamples: int = N_RESAMPLES, seed: int = 0
) -> dict[str, Metric]:
    """Run `resample` to its end."""
    return finish(resample(statistic, groups, n_resamples=n_resamples, seed=seed))


def resample(
    statistic: Statistic, groups: Sequence[str], *, n_resamples: int = N_RESAMPLES, seed: int = 0
) -> Job[dict[str, Metric]]:
    """Measure numbers on all cases, with 95 % intervals by group: see `interval_of`.

    Parameters
    ----------
    statistic : callable
        A number that is not defined for a draw is NaN and left out of the interval.
    groups : sequence of str
        One a case. Groups are drawn with repetition, and all cases of a drawn group come along:
        several images of one patient are not independent.

    Yields
    ------
    Progress several times a second, so that it can be stopped.

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
    if len(set(groups)) < 2:
        return {name: Metric(value=value) for name, value in whole.items()}
    drawn: dict[str, list[float]] = {name: [] for name in whole}
    told_s = time.perf_counter()
    for number, chosen in enumerate(draws(groups, n_resamples=n_resamples, seed=seed)):
        for name, value in statistic(chosen).items():
            drawn[name].append(value)
        if time.perf_counter() - told_s > _SECONDS_BETWEEN_YIELDS:
            yield Progress(number, n_resamples, "confidence intervals")
            told_s = time.perf_counter()
    return {name: Metric(value=value, ci95=interval_of(drawn[name], len(set(groups)))) for name, value in whole.items()}


def draws(groups: Sequence[str], *, n_resamples: int = N_RESAMPLES, seed: int = 0) -> Iterator[NDArray[np.intp]]:
    """Draw groups with repetition, as many as there are, and give the indices of their cases."""
    members = _list_members(groups)
    alone = np.concatenate(members) if len(members) == len(groups) else None  # a case a group: nothing to gather
    rng = np.random.default_rng(seed)
    for _ in range(n_resamples):
        chosen = rng.integers(len(members), size=len(members))
        yield np.concatenate([members[number] for number in chosen]) if alone is None else alone[chosen]


def finish(job: Job[dict[str, Metric]]) -> dict[str, Metric]:
    """Run a job of this package to its end, without anybody to tell or to stop it."""
    while True:
        try:
            next(job)
        except StopIteration as end:
            measured: dict[str, Metric] = end.value
            return measured


def bootstrap_means(
    values: Mapping[str, Sequence[float]], groups: Sequence[str], *, n_resamples: int = N_RESAMPLES, seed: int = 0
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


def interval_of(values: Sequence[float], n_groups: int) -> tuple[float, float] | None:
    """Give the expanded percentile interval (Efron 1979, Hesterberg 2015) of what was drawn.

    Parameters
    ----------
    values : sequence of float
        One a draw; NaN is left out.
    n_groups : int
        How many groups were drawn from.

    Returns
    -------
    (low, high) or None
        None where nothing is defined.
    """
    array = np.asarray(values, dtype=np.float64)
    array = array[~np.isnan(array)]
    if not array.size:
        return None
    low, high = np.percentile(array, percentiles(n_groups))
    return float(low), float(high)


def percentiles(n_groups: int) -> tuple[float, float]:
    """Return the two percentiles between which 95 % are expected.

    Notes
    -----
    Plain ones, 2.5 and 97.5, are too narrow for few groups, by sqrt((n - 1) / n) and by a normal distribution where a t
    distribution is due; these make up for both (Hesterberg 2015), and near the plain ones for many.

    >>> [round(one, 2) for one in percentiles(20)]
    [1.59, 98.41]
    """
    from scipy.special import ndtr, stdtrit

    n = max(n_groups, 2)
    below = float(ndtr(-((n / (n - 1)) ** 0.5) * stdtrit(n - 1, (1 + _LEVEL) / 2)))
    return 100 * below, 100 * (1 - below)


def _list_members(groups: Sequence[str]) -> list[NDArray[np.intp]]:
    members: dict[str, list[int]] = {}
    for position, group in enumerate(groups):
        members.setdefault(group, []).append(position)
    return [np.array(positions, dtype=np.intp) for positions in members.values()]
