"""What is drawn of boxes and of numbers: FROC curves, and differences against means (Bland & Altman 1986)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_medclf.domain.arrays import FloatArray

if TYPE_CHECKING:
    from napari_medclf.domain.card import Metric
    from napari_medclf.jobs.evaluation.measured import Measured

_MOST_POINTS = 200


def froc_of(measured: Measured) -> dict[str, Any]:
    """Lay out the FROC curve of each class that has a reference.

    Returns
    -------
    dict
        Class to ``false_per_image`` and ``sensitivity``, both rising from 0, at most 200 points each.
    """
    from napari_medclf.engine.metrics.detection import froc_curve

    cases = [one.boxes for one in measured.comparisons if one.boxes is not None]
    found: dict[str, Any] = {}
    for name in cases[0] if cases else ():
        hits = np.concatenate([one[name].hit_scores for one in cases])
        false = np.concatenate([one[name].false_scores for one in cases])
        if len(hits):
            rates, sensitivity = froc_curve(hits, false, np.ones(len(hits)), np.ones(len(false)))
            found[name] = {
                "false_per_image": _thinned(rates / len(cases)),
                "sensitivity": _thinned(sensitivity),
            }
    return found


def bland_altman_of(measured: Measured) -> dict[str, Any]:
    """Lay out mean and difference (found - truth) of every case, with bias and limits of agreement, by quantity."""
    rows = [one.numbers for one in measured.comparisons if one.numbers is not None]
    found: dict[str, Any] = {}
    for name in rows[0] if rows else ():
        pairs = np.array([[row[name].truth, row[name].found] for row in rows])
        pairs = pairs[~np.isnan(pairs).any(axis=1)]
        lines = {key: measured.metrics.get(f"{key}/{name}") for key in ("bias", "loa_low", "loa_high")}
        found[name] = {
            "mean": pairs.mean(axis=1).tolist(),
            "difference": (pairs[:, 1] - pairs[:, 0]).tolist(),
            **{key: _value(metric) for key, metric in lines.items()},
        }
    return found


def _value(metric: Metric | None) -> float | None:
    return None if metric is None else metric.value


def _thinned(values: FloatArray) -> Sequence[float]:
    chosen = np.unique(np.linspace(0, len(values) - 1, min(len(values), _MOST_POINTS)).round().astype(int))
    thinned: list[float] = values[chosen].tolist()
    return thinned
