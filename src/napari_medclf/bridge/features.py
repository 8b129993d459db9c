"""Measurements as the columns of napari's features table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from napari_medclf.domain.labels import LabelClass
from napari_medclf.domain.results import Classification, Regression, Segmentation

Columns = dict[str, list[Any]]


def features_table(segmentation: Segmentation, rows: Sequence[Mapping[str, Any]] = ()) -> Columns:
    """Build the ``features`` of a labels layer: ``index``, ``class`` and what was measured.

    napari shows the row whose ``index`` is the label under the cursor in its status bar.

    Parameters
    ----------
    rows : sequence of dict
        With ``index`` and ``class``; other keys become columns. Without rows the classes are listed.
    """
    listed: list[Mapping[str, Any]] = list(rows) or [_class_row(one) for one in segmentation.schema.foreground]
    names = list(dict.fromkeys(name for row in listed for name in row))
    names = ["index", "class", *(name for name in names if name not in {"index", "class"})]
    background = {"index": 0, "class": "background"}
    return {name: [row.get(name, _blank(listed, name)) for row in (background, *listed)] for name in names}


def score_columns(classification: Classification) -> Columns:
    """Build the ``features`` of an image-level answer: a row a class, highest score first."""
    ranked = sorted(classification.scores.items(), key=lambda pair: -pair[1])
    return {
        "class": [name for name, _ in ranked],
        "score": [round(score, 4) for _, score in ranked],
        "decided": [name in classification.decided for name, _ in ranked],
    }


def score_text(classification: Classification, *, model: str = "", limit: int = 6) -> str:
    """Write scores as lines for the canvas, highest first; decided classes carry a mark."""
    columns = score_columns(classification)
    pairs = list(zip(columns["class"], columns["score"], columns["decided"], strict=True))
    lines = [f"{'●' if decided else '○'} {name}  {100 * score:.1f} %" for name, score, decided in pairs[:limit]]
    if len(pairs) > limit:
        lines.append(f"   and {len(pairs) - limit} more")
    note = "calibrated" if classification.is_calibrated else "not calibrated"
    return "\n".join([*([f"{model} ({note})"] if model else []), *lines])


def number_columns(regression: Regression) -> Columns:
    """Build the ``features`` of numbers that were estimated: a row a quantity, in the model's order."""
    return {
        "quantity": list(regression.values),
        "value": [float(f"{value:.4g}") for value in regression.values.values()],
        "unit": [regression.units.get(name, "") for name in regression.values],
    }


def number_text(regression: Regression, *, model: str = "") -> str:
    """Write numbers as lines for the canvas."""
    return "\n".join([*([model] if model else []), *regression.lines])


def _class_row(one: LabelClass) -> dict[str, Any]:
    row: dict[str, Any] = {"index": one.value, "class": one.name}
    return row if one.code is None else row | {"code": f"{one.code.scheme} {one.code.value} {one.code.meaning}"}


def _blank(rows: Sequence[Mapping[str, Any]], name: str) -> Any:
    is_number = all(isinstance(row.get(name, 0), int | float) for row in rows)
    return float("nan") if is_number else ""
