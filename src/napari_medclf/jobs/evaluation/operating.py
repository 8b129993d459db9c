"""Operating points: what a class's threshold does when it is chosen for a sensitivity."""

from __future__ import annotations

from typing import Any

from napari_medclf.domain.events import Job, Progress
from napari_medclf.jobs.evaluation.score_table import ScoreTable

THESE_CASES = "these cases"


def operating_points(
    table: ScoreTable, sensitivity: float, chosen_on: tuple[str, ScoreTable] | None = None
) -> Job[tuple[dict[str, Any], dict[str, str]]]:
    """Measure each class at the threshold that reaches a sensitivity.

    Parameters
    ----------
    chosen_on : (name, ScoreTable) or None
        Other cases on which the thresholds are chosen, as it should be; None chooses them on the measured cases, where
        the sensitivity is met by construction and the other numbers are a little too good.

    Returns
    -------
    points, reasons : dict, dict
        By class; and for classes without a point the reason.
    """
    from napari_medclf.engine.metrics.operating import measure_at, threshold_for_sensitivity

    points: dict[str, Any] = {}
    reasons: dict[str, str] = {}
    where, chooser = chosen_on or (THESE_CASES, table)
    for column, name in enumerate(table.names):
        yield Progress(column, len(table.names), f"operating point of {name}")
        if not chooser.truth[:, column].any():
            reasons[f"operating_points/{name}"] = f"none of the {len(chooser.truth)} cases to choose on has {name}"
            continue
        threshold = threshold_for_sensitivity(chooser.truth[:, column], chooser.probabilities[:, column], sensitivity)
        measured = measure_at(
            table.truth[:, column],
            table.probabilities[:, column],
            table.groups,
            threshold=None if chosen_on is None else threshold,
            sensitivity=sensitivity,
        )
        defined = {kind: metric for kind, metric in measured.items() if metric.value == metric.value}
        points[name] = {
            "target_sensitivity": sensitivity,
            "chosen_on": where,
            "n_cases_chosen_on": len(chooser.truth),
            **defined,
            "threshold": threshold,
        }
        for kind in measured.keys() - defined.keys():
            reasons[f"operating_points/{name}/{kind}"] = "no case falls on that side of the threshold"
    return points, reasons
