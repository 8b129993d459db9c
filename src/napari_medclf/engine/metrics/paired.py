"""Whether one model is better than another on the same cases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_medclf.domain.events import Job
from napari_medclf.domain.verdict import Judgement
from napari_medclf.engine.metrics.bootstrap import N_RESAMPLES, Statistic, resample

LESS_IS_BETTER = (
    "ece",
    "brier",
    "hd95",
    "assd",
    "volume_error",
    "false_lesions",
    "mae",
    "rmse",
    "median_error",
    "grade_error",
    "false_per_image",
)
"""How names begin of numbers that are errors or distances; of everything else, more is better."""
NEITHER_IS_BETTER = ("bias", "loa_low", "loa_high")
"""How names begin of numbers that should lie near 0."""


@dataclass(frozen=True)
class Difference:
    """One number of two models on the same cases.

    Parameters
    ----------
    first, second : float
        What each of them has.
    ci95 : (low, high) or None
        Of second - first; None with fewer than two groups.
    judgement : Judgement
        On the second model, seen from the first.
    """

    first: float
    second: float
    ci95: tuple[float, float] | None
    judgement: Judgement

    @property
    def value(self) -> float:
        """Second - first."""
        return self.second - self.first


def compare_paired(
    first: Statistic, second: Statistic, groups: Sequence[str], *, n_resamples: int = N_RESAMPLES, seed: int = 0
) -> dict[str, Difference]:
    """Run `resample_paired` to its end."""
    job = resample_paired(first, second, groups, n_resamples=n_resamples, seed=seed)
    while True:
        try:
            next(job)
        except StopIteration as end:
            compared: dict[str, Difference] = end.value
            return compared


def resample_paired(
    first: Statistic, second: Statistic, groups: Sequence[str], *, n_resamples: int = N_RESAMPLES, seed: int = 0
) -> Job[dict[str, Difference]]:
    """Compare two models number by number; the same cases are drawn for both, so that hard cases cancel out.

    Parameters
    ----------
    first, second : callable
        Over the same cases in the same order; numbers that only one of them has are left out.

    Raises
    ------
    DatasetError
        If there are no cases.
    """

    def difference(chosen: NDArray[np.intp]) -> Mapping[str, float]:
        one, other = first(chosen), second(chosen)
        return {name: other[name] - value for name, value in one.items() if name in other}

    metrics = yield from resample(difference, groups, n_resamples=n_resamples, seed=seed)
    whole = np.arange(len(groups))
    one, other = first(whole), second(whole)
    return {
        name: Difference(one[name], other[name], metric.ci95, _judge(name, metric.ci95))
        for name, metric in metrics.items()
    }


def _judge(name: str, interval: tuple[float, float] | None) -> Judgement:
    if interval is None or interval[0] <= 0 <= interval[1] or name.startswith(NEITHER_IS_BETTER):
        return Judgement.SAME
    is_more = interval[0] > 0
    return Judgement.BETTER if is_more != name.startswith(LESS_IS_BETTER) else Judgement.WORSE
