"""Intervals that resampling leaves without width: 20 of 20 right does not mean never wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from napari_medclf.domain.arrays import BoolArray
from napari_medclf.domain.card import Metric

_TAIL = 0.025


def widen_certain(
    metrics: Mapping[str, Metric], truth: BoolArray, decided: BoolArray, names: Sequence[str], groups: Sequence[str]
) -> dict[str, Metric]:
    """Replace intervals of proportions that are 0 or 1 in every draw by exact ones (Clopper & Pearson 1934).

    Parameters
    ----------
    metrics : dict
        As `resample` gave them for `statistic_of_classes`.
    truth, decided : (N, C) bool
    groups : sequence of str
        Patients: as many trials as there are patients with a case that counts, not as there are images.

    Returns
    -------
    dict of str to Metric
        Other numbers are as they were.
    """
    ones = np.asarray(groups)
    trials = {"accuracy": len(np.unique(ones))}
    for position, name in enumerate(names):
        has, said = truth[:, position], decided[:, position]
        counted = {"sensitivity": has, "specificity": ~has, "precision": said, "npv": ~said}
        trials |= {f"{kind}/{name}": len(np.unique(ones[chosen])) for kind, chosen in counted.items()}
    for kind in ("sensitivity", "specificity", "precision", "npv"):
        trials[kind] = min(n for name, n in trials.items() if name.startswith(f"{kind}/"))
    if "balanced_accuracy" in metrics:
        trials["balanced_accuracy"] = trials["sensitivity"]
    return {name: _widened(metric, trials.get(name, 0)) for name, metric in metrics.items()}


def is_without_width(metric: Metric) -> bool:
    """Whether every draw gave the same number, so that the interval says nothing."""
    return metric.ci95 is not None and metric.ci95[0] == metric.ci95[1]


def _widened(metric: Metric, n_trials: int) -> Metric:
    if not n_trials or not is_without_width(metric) or metric.value not in (0.0, 1.0):
        return metric
    bound = _TAIL ** (1 / n_trials)
    return Metric(value=metric.value, ci95=(bound, 1.0) if metric.value else (0.0, 1 - bound))
