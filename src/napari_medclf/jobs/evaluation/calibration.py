"""How far a classifier's scores can be taken as probabilities."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from napari_medclf.domain.card import ModelCard
from napari_medclf.domain.events import Job
from napari_medclf.jobs.evaluation.score_table import ScoreTable
from napari_medclf.jobs.evaluation.undefined import reason_for_class

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


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
    from napari_medclf.engine.metrics.bootstrap import resample
    from napari_medclf.engine.metrics.reliability import reliability

    lines = yield from resample(lambda chosen: _lines(table, chosen), table.groups)
    per_class: dict[str, Any] = {}
    reasons: dict[str, str] = {}
    for column, name in enumerate(table.names):
        bins = reliability(table.truth[:, column], table.probabilities[:, column], table.groups)
        per_class[name] = {"bins": bins}
        for kind in ("slope", "intercept"):
            metric = lines[f"{kind}/{name}"]
            if metric.value == metric.value:
                per_class[name][kind] = metric
            else:
                reasons[f"calibration/{kind}/{name}"] = reason_for_class(kind, name, table)
    temperature = card.output.temperature
    head = {"temperature": temperature, "is_calibrated": card.is_calibrated, **_errors(table, temperature)}
    return head | {"per_class": per_class}, reasons


def _lines(table: ScoreTable, chosen: NDArray[np.intp]) -> Mapping[str, float]:
    from napari_medclf.engine.metrics.reliability import calibration_line

    found: dict[str, float] = {}
    for column, name in enumerate(table.names):
        slope, intercept = calibration_line(table.truth[chosen, column], table.probabilities[chosen, column])
        found |= {f"slope/{name}": slope, f"intercept/{name}": intercept}
    return found


def _errors(table: ScoreTable, temperature: float) -> dict[str, float]:
    """ECE and Brier score as the model would have them without its temperature."""
    from napari_medclf.engine.metrics.classification import score_classification
    from napari_medclf.engine.metrics.reliability import without_temperature

    raw = without_temperature(table.probabilities, temperature, is_exclusive=table.is_exclusive)
    scores = score_classification(table.truth, raw, table.decided, table.names, is_exclusive=table.is_exclusive)
    return {f"{kind}_uncalibrated": scores[kind] for kind in ("ece", "brier")}
