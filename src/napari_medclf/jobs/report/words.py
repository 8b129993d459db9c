"""Numbers as people read them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from napari_medclf.jobs.report.html import Html, shown

NAMES = {
    "auc": "AUC",
    "average_precision": "Average precision",
    "accuracy": "Accuracy",
    "balanced_accuracy": "Balanced accuracy",
    "sensitivity": "Sensitivity (recall)",
    "specificity": "Specificity",
    "precision": "Precision (PPV)",
    "npv": "NPV",
    "f1": "F1",
    "mcc": "MCC (Matthews)",
    "kappa": "Kappa (Cohen)",
    "ece": "Calibration error (ECE)",
    "brier": "Brier score",
    "dice": "Dice",
    "iou": "IoU (Jaccard)",
    "nsd": "Surface Dice (NSD)",
    "hd95_mm": "HD95 (mm)",
    "hd95_px": "HD95 (px)",
    "assd_mm": "ASSD (mm)",
    "assd_px": "ASSD (px)",
    "volume_error": "Volume error",
    "lesion_sensitivity": "Object sensitivity",
    "lesion_precision": "Object precision",
    "lesion_f1": "Object F1",
    "false_lesions": "False objects a case",
    "ap50": "AP at IoU 0.5",
    "f1_50": "F1 at IoU 0.5",
    "pq": "Panoptic quality",
    "aji": "Aggregated Jaccard",
    "foreground_dice": "Foreground Dice",
    "mae": "Mean absolute error",
    "rmse": "Root mean squared error",
    "median_error": "Median absolute error",
    "bias": "Bias",
    "loa_low": "Lower limit of agreement",
    "loa_high": "Upper limit of agreement",
    "r2": "R²",
    "pearson": "Correlation (Pearson)",
    "icc": "Agreement (ICC)",
    "grade_error": "Mean error in grades",
    "within_one": "Within one grade",
    "kappa_quadratic": "Kappa (quadratic weights)",
    "map": "mAP (IoU 0.5 to 0.95)",
    "map50": "mAP at IoU 0.5",
    "map10": "mAP at IoU 0.1",
    "ap": "AP (IoU 0.5 to 0.95)",
    "ap10": "AP at IoU 0.1",
    "froc": "FROC score",
    "false_per_image": "False boxes an image",
    "slope": "Calibration slope",
    "intercept": "Calibration in the large",
}
_INTERVAL = "ci95 of "
MAIN = {
    "classify": ("auc", "accuracy", "balanced_accuracy", "sensitivity", "specificity", "ece"),
    "segment": ("dice", "nsd", "hd95_mm", "hd95_px", "lesion_f1"),
    "instances": ("ap50", "f1_50", "pq", "foreground_dice"),
    "regress": ("mae", "rmse", "r2", "icc"),
    "detect": ("map50", "froc", "sensitivity", "false_per_image"),
}
"""What a reader wants to see first, for each task."""


def name_of(kind: str) -> str:
    """Say what a number is.

    >>> name_of("auc/tumour")
    'AUC, tumour'
    """
    if kind.startswith(_INTERVAL):
        return f"95 % interval of {name_of(kind.removeprefix(_INTERVAL))}"
    metric, _, one_class = kind.partition("/")
    return NAMES.get(metric, metric) + (f", {one_class}" if one_class else "")


def short(text: str, n_letters: int) -> str:
    """Cut a text that is too long for its place.

    >>> short("hippocampus", 6)
    'hippo…'
    """
    return text if len(text) <= n_letters else text[: n_letters - 1] + "…"


def is_metric(value: Any) -> bool:
    """Tell a number with its interval from everything else in a document."""
    return isinstance(value, Mapping) and set(value) == {"value", "ci95"}


def number(value: float | None, digits: int = 3) -> str:
    """Write a number; a dash where there is none."""
    return "–" if value is None else f"{value:.{digits}f}"


def interval(metric: Mapping[str, Any]) -> str:
    """Write the 95 % interval; nothing where there is none."""
    low_high = metric["ci95"]
    return f"{low_high[0]:.3f} to {low_high[1]:.3f}" if low_high else ""


def cell(metric: Mapping[str, Any] | None) -> Html | str:
    """Write a number with its interval below, for a table."""
    if metric is None:
        return "–"
    return Html(f"{number(metric['value'])}<br><small>{shown(interval(metric))}</small>")
