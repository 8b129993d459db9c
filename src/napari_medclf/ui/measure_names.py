"""Names of numbers as people of the field write them."""

from __future__ import annotations

_WORDS = {
    "auc": "AUC", "ece": "ECE", "mcc": "MCC", "npv": "NPV", "f1": "F1", "iou": "IoU", "nsd": "NSD", "hd95": "HD95",
    "assd": "ASSD", "ap50": "AP50", "map50": "mAP50", "map": "mAP", "froc": "FROC", "pq": "PQ", "aji": "AJI",
    "mae": "MAE", "rmse": "RMSE", "r2": "R²", "icc": "ICC", "brier": "Brier",
}  # fmt: skip


def measure_text(name: str) -> str:
    """Write the name of a number, and of its class where it has one.

    >>> measure_text("auc"), measure_text("balanced_accuracy"), measure_text("hd95_mm/left_lung")
    ('AUC', 'balanced accuracy', 'HD95 mm · left_lung')
    """
    kind, _, one_class = name.partition("/")
    words = " ".join(_WORDS.get(word, word) for word in kind.split("_"))
    return f"{words} · {one_class}" if one_class else words
