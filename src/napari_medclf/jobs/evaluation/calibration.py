"""How far a classifier's scores can be taken as probabilities."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_medclf.domain.card import Metric, ModelCard
from napari_medclf.domain.events import Job, Progress
from napari_medclf.jobs.evaluation.score_table import ScoreTable
from napari_medclf.jobs.evaluation.undefined import reason_for_class

_MOST_WEIGHTS = 500_000
"""Cases times draws that are fitted together."""


def calibration_of(table: ScoreTable, card: ModelCard) -> Job[tuple[dict[str, Any], dict[str, str]]]:
    """Compare what was said with what came true.

    Returns
    -------
    calibration : dict
        ``temperature`` and ``is_calibrated`` of the card; ``ece_uncalibrated`` and ``brier_uncalibrated``, as they
        would be without the temperature; ``per_class`` with ``bins``, ``slope`` and ``intercept``.
    reasons : dict
        Why a slope is not defined.
    """
    from napari_medclf.engine.metrics.reliability import reliability

    per_class: dict[str, Any] = {}
    reasons: dict[str, str] = {}
    for column, name in enumerate(table.names):
        truth, probabilities = table.truth[:, column], table.probabilities[:, column]
        per_class[name] = {"bins": reliability(truth, probabilities, table.groups)}
        for kind, metric in (yield from _line(table, column)).items():
            if metric.value == metric.value:
                per_class[name][kind] = metric
            else:
                reasons[f"calibration/{kind}/{name}"] = reason_for_class(kind, name, table)
    temperature = card.output.temperature
    head = {"temperature": temperature, "is_calibrated": card.is_calibrated, **_errors(table, temperature)}
    return head | {"per_class": per_class}, reasons


def _line(table: ScoreTable, column: int) -> Job[dict[str, Metric]]:
    """Slope and intercept of one class with their intervals by patient; draws are fitted many at a time."""
    from napari_medclf.engine.metrics.bootstrap import draws, interval_of
    from napari_medclf.engine.metrics.reliability import calibration_line, calibration_lines

    truth, probabilities = table.truth[:, column], table.probabilities[:, column]
    whole = dict(zip(("slope", "intercept"), calibration_line(truth, probabilities), strict=True))
    drawn: dict[str, list[float]] = {kind: [] for kind in whole}
    n_at_once = max(_MOST_WEIGHTS // len(truth), 1)
    for batch in _batches(draws(table.groups), n_at_once):
        yield Progress(0, 0, f"calibration of {table.names[column]}")
        weights = np.stack([np.bincount(chosen, minlength=len(truth)) for chosen in batch]).astype(np.float64)
        for values, found in zip(drawn.values(), calibration_lines(truth, probabilities, weights), strict=True):
            values += found.tolist()
    has_interval = table.n_groups > 1
    return {
        kind: Metric(value=value, ci95=interval_of(drawn[kind], table.n_groups) if has_interval else None)
        for kind, value in whole.items()
    }


def _batches(each: Iterator[NDArray[np.intp]], n: int) -> Iterator[list[NDArray[np.intp]]]:
    while batch := list(islice(each, n)):
        yield batch


def _errors(table: ScoreTable, temperature: float) -> dict[str, float]:
    """ECE and Brier score as the model would have them without its temperature."""
    from napari_medclf.engine.metrics.classification import score_classification
    from napari_medclf.engine.metrics.reliability import without_temperature

    raw = without_temperature(table.probabilities, temperature, is_exclusive=table.is_exclusive)
    scores = score_classification(table.truth, raw, table.decided, table.names, is_exclusive=table.is_exclusive)
    return {f"{kind}_uncalibrated": scores[kind] for kind in ("ece", "brier")}
