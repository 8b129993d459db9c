"""The numbers of an evaluation as rows: value, interval, and why one is not defined."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from napari_medclf.ui.measure_names import measure_text

ALL = "all classes"


def metric_rows(document: Mapping[str, Any], one_class: str = "") -> list[tuple[str, str, str]]:
    """List (name, value, interval) of all classes together, or of one class.

    >>> metric_rows({"auc": {"value": 0.93, "ci95": [0.9, 0.951]}, "task": "classify"})
    [('AUC', '0.930', '0.900 – 0.951')]
    """
    block = document.get("per_class", {}).get(one_class, {}) if one_class else document
    rows = [(measure_text(name), *_value_and_interval(value)) for name, value in block.items() if is_metric(value)]
    return rows + list(_undefined(document, one_class))


def is_metric(value: Any) -> bool:
    """Whether a part of the document is a measured number."""
    return isinstance(value, Mapping) and "value" in value and "ci95" in value


def _value_and_interval(metric: Mapping[str, Any]) -> tuple[str, str]:
    value, interval = metric["value"], metric["ci95"]
    told = "–" if value is None else f"{value:.3f}"
    return told, "" if not interval or None in interval else f"{interval[0]:.3f} – {interval[1]:.3f}"


def _undefined(document: Mapping[str, Any], one_class: str) -> Iterator[tuple[str, str, str]]:
    for name, reason in (document.get("undefined") or {}).items():
        kind, _, of_class = name.partition("/")
        if of_class == one_class:
            yield measure_text(kind), "–", str(reason)
