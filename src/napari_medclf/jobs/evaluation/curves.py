"""The curves of a classifier as the document has them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_medclf.domain.card import Metric
from napari_medclf.domain.errors import DatasetError
from napari_medclf.domain.events import Job, Progress
from napari_medclf.jobs.evaluation.score_table import ScoreTable

if TYPE_CHECKING:
    from napari_medclf.engine.metrics.curves import Band, Curve


def curves_of(table: ScoreTable) -> Job[dict[str, Any]]:
    """Draw ROC and precision-recall of every class against the rest, with 95 % bands by patient.

    Returns
    -------
    dict
        By class; one that has no curve (no case, or every case has it) is left out, and AUC tells why.
    """
    from napari_medclf.engine.metrics import curves

    drawn = {}
    for column, name in enumerate(table.names):
        truth, scores = table.truth[:, column], table.probabilities[:, column]
        yield Progress(column, len(table.names), f"curves of {name}")
        if truth.all() or not truth.any():
            continue
        roc, pr = (
            curves.thin(curves.roc_curve(truth, scores)),
            curves.thin(curves.precision_recall_curve(truth, scores)),
        )
        roc_band = curves.roc_band(truth, scores, table.groups)
        yield Progress(column, len(table.names), f"curves of {name}")
        pr_band = curves.precision_recall_band(truth, scores, table.groups)
        drawn[name] = {
            "roc": _laid_out(roc, ("false_positive_rate", "sensitivity"), roc_band),
            "pr": _laid_out(pr, ("recall", "precision"), pr_band),
            "prevalence": float(truth.mean()),
        }
    return drawn


def areas_of(table: ScoreTable) -> tuple[dict[str, Metric], dict[str, str]]:
    """Give the area under each class's curve with DeLong's interval by patient, and why one has none."""
    from napari_medclf.engine.metrics.delong import area_interval_by_group

    found: dict[str, Metric] = {}
    reasons: dict[str, str] = {}
    for column, name in enumerate(table.names):
        is_mirrored = table.is_exclusive and len(table.names) == 2  # rounding of 1 - p must not break ties otherwise
        one = 1 if is_mirrored else column
        truth, scores = table.truth[:, one], table.probabilities[:, one]
        try:
            area, interval = area_interval_by_group(truth, scores, table.groups)
        except DatasetError as error:
            reasons[f"auc_delong/{name}"] = str(error).rstrip(".")
            continue
        has_width = interval[0] < interval[1]
        found[name] = Metric(value=area, ci95=interval if has_width else None)
        if not has_width:
            reasons[f"ci95 of auc_delong/{name}"] = (
                "every case with the class scores above every case without it, and DeLong's variance is then 0: "
                "the true area is below 1, but these cases cannot say by how much"
            )
    return found, reasons


def _laid_out(curve: Curve, axes: tuple[str, str], band: Band) -> dict[str, Any]:
    return {
        axes[0]: curve.x,
        axes[1]: curve.y,
        "threshold": curve.thresholds,
        "band": {"at": band.x, "low": band.low, "high": band.high},
    }
