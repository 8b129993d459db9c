"""Single cases, worst first: as pictures and as rows. Names of files stay out, as they may name patients."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from napari_medclf.jobs.report.html import Html, paragraph, table
from napari_medclf.jobs.report.pictures import PREDICTED_COLOUR, REFERENCE_COLOUR, data_uri
from napari_medclf.jobs.report.words import name_of

if TYPE_CHECKING:
    from napari_medclf.jobs.evaluation.watch import WorstCase

_MOST_ROWS = 50
_LESS_IS_BETTER = (
    "ece",
    "brier",
    "hd95",
    "assd",
    "volume_error",
    "lesions",
    "found",
    "false",
    "reference",
    "truth",
    "fact",
)
_HIDDEN = ("case_id", "group_id")


def worst_gallery(worst: Sequence[WorstCase], rows: Sequence[Mapping[str, Any]]) -> Html:
    """Show the worst cases as pictures; their numbers are those of the rows in ``cases.csv``."""
    numbers = {row["case_id"]: (position, row) for position, row in enumerate(rows, start=1)}
    figures = [
        f'<figure><img src="{data_uri(one.picture)}" alt="case {numbers[one.case_id][0]}">'
        f"<figcaption>{_caption(*numbers[one.case_id], one.quality)}</figcaption></figure>"
        for one in worst
        if one.case_id in numbers
    ]
    is_outlined = any(name.startswith("dice:") or name == "ap50" for row in rows for name in row)
    legend = (
        f'<p class="note">Outlines:<span class="swatch" style="background:rgb{REFERENCE_COLOUR}"></span>reference'
        f'<span class="swatch" style="background:rgb{PREDICTED_COLOUR}"></span>model, on the slice where they differ '
        "most.</p>"
        if is_outlined
        else ""
    )
    return Html(legend + f'<div class="cases">{"".join(figures)}</div>')


def case_table(rows: Sequence[Mapping[str, Any]]) -> Html:
    """List cases, worst first, by the number of their row in ``cases.csv``."""
    columns = [name for name in dict.fromkeys(name for row in rows for name in row) if name not in _HIDDEN]
    numbered = [{**row, "": position} for position, row in enumerate(rows, start=1)]
    shown = [[_text(row.get(name)) for name in ("", *columns)] for row in worst_first(numbered)[:_MOST_ROWS]]
    left = len(rows) - len(shown)
    more = paragraph(f"{left} more cases stand in cases.csv.", "note") if left else ""
    return Html(table(["row", *(_heading(name) for name in columns)], shown) + more)


def worst_first(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Sort cases by their mean quality; cases of a classifier come wrong ones first, then the surest errors."""
    return sorted(rows, key=_quality)


def _quality(row: Mapping[str, Any]) -> float:
    if "truth" in row:
        return float(row.get(f"score:{row['truth']}", 0.0))
    errors = [float(abs(value)) for name, value in row.items() if name.startswith("error:") and value == value]
    if errors:
        return -max(errors)
    numbers = [
        value
        for name, value in row.items()
        if isinstance(value, float) and not math.isnan(value) and not name.startswith(_LESS_IS_BETTER)
    ]
    return sum(numbers) / len(numbers) if numbers else math.inf


def _caption(position: int, row: Mapping[str, Any], quality: float) -> str:
    if "truth" in row:
        truth, said = row["truth"] or "no class", row["decided"] or "no class"
        said = f"Truth: <strong>{escape(truth)}</strong>, said: <strong>{escape(said)}</strong>"
        return f"Row {position}. {said}; the truth was given {quality:.2f}."
    if any(name.startswith("error:") for name in row):
        found = (name.partition(":")[2] for name in row if name.startswith("error:"))
        pairs = (f"{escape(name)} {row[f'truth:{name}']:.4g}, said {row[f'found:{name}']:.4g}" for name in found)
        return f"Row {position}. Truth: {'; '.join(pairs)}."
    return f"Row {position}. Mean {quality:.3f}."


def _heading(column: str) -> str:
    kind, _, one_class = column.partition(":")
    if kind == "score":
        return f"p({one_class})"
    return one_class if kind == "fact" else name_of(f"{kind}/{one_class}" if one_class else kind)


def _text(value: Any) -> str:
    if value is None or value != value:
        return ""
    return f"{value:.3f}" if isinstance(value, float) else str(value)
