"""A measurement as a page that opens in any browser, with nothing to load."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from napari_medclf.domain.card import Metric

_MAX_ROWS = 200
_LESS_IS_BETTER = ("ece", "brier", "hd95", "assd", "volume_error")
_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60em; margin: 2em auto; padding: 0 1em; color: #1b1f24; }
table { border-collapse: collapse; margin: 1em 0; }
th, td { text-align: left; padding: .3em .9em .3em 0; border-bottom: 1px solid #d5dae1; }
td { font-variant-numeric: tabular-nums; }
.note { color: #5b6470; }
@media (prefers-color-scheme: dark) { body { background: #16181c; color: #e6e8ec; } th, td { border-color: #333942; } }
"""


def report_html(document: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> str:
    """Write ``report.html``: the numbers of ``metrics.json``, then the cases, worst first where that can be told.

    Parameters
    ----------
    document : dict
        As `jobs.evaluate.document_of` made it.
    rows : sequence of dict
        The numbers of every case.
    """
    model = f"{document['model']} {document['model_version']}"
    title = f"{model} on {document['data']} ({document['split']})"
    parts = [
        f"<h1>{escape(title)}</h1>",
        f"<p>{document['n_cases']} cases of {document['n_groups']} groups (patients). Research use only.</p>",
        "<h2>All classes</h2>",
        _metrics({name: value for name, value in document.items() if isinstance(value, Metric)}),
    ]
    for name, metrics in document["per_class"].items():
        parts += [f"<h2>{escape(name)}</h2>", _metrics(metrics)]
    if "against" in document:
        parts += _differences(document["against"])
    weights = escape(document["weights_sha256"][:16])
    note = f'<p class="note">Weights {weights}..., intervals by bootstrap over groups.</p>'
    parts += ["<h2>Cases</h2>", _cases(rows), note]
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>{_STYLE}</style></head><body>\n" + "\n".join(parts) + "\n</body></html>\n"
    )


def _differences(against: Mapping[str, Any]) -> list[str]:
    """Show what one model has more than another, and whether that is more than chance."""
    other = f"{against['model']} {against['model_version']}"
    rows = [[name, *_difference_cells(one), one["verdict"]] for name, one in against["differences"].items()]
    parts = [
        f"<h2>Against {escape(other)}</h2>",
        '<p class="note">This model minus the other one, on the same cases.</p>',
        _table(["metric", "difference", "95 % interval", "verdict"], rows),
    ]
    if against["auc_delong"]:
        rows = [[name, *_difference_cells(one), f"{one['p_value']:.3g}"] for name, one in against["auc_delong"].items()]
        parts.append(_table(["AUC (DeLong)", "difference", "95 % interval", "p"], rows))
    return parts


def _difference_cells(one: Mapping[str, Any]) -> list[str]:
    interval = f"{one['ci95'][0]:+.3f} to {one['ci95'][1]:+.3f}" if one["ci95"] else ""
    return [f"{one['value']:+.3f}", interval]


def worst_first(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Sort cases by their mean quality; cases of a classifier come wrong ones first, then the surest errors."""
    return sorted(rows, key=_quality)


def _quality(row: Mapping[str, Any]) -> float:
    if "truth" in row:
        return float(row.get(f"score:{row['truth']}", 0.0))
    numbers = [
        value
        for name, value in row.items()
        if isinstance(value, float) and not math.isnan(value) and not name.startswith(_LESS_IS_BETTER)
    ]
    return sum(numbers) / len(numbers) if numbers else math.inf


def _cases(rows: Sequence[Mapping[str, Any]]) -> str:
    columns = list(dict.fromkeys(name for row in rows for name in row))
    shown = [[_text(row.get(name)) for name in columns] for row in worst_first(rows)[:_MAX_ROWS]]
    left = len(rows) - len(shown)
    more = f'<p class="note">{left} more cases stand in cases.csv.</p>' if left else ""
    return _table(columns, shown) + more


def _metrics(metrics: Mapping[str, Metric]) -> str:
    return _table(["metric", "value", "95 % interval"], [[name, *_cells(one)] for name, one in metrics.items()])


def _cells(metric: Metric) -> list[str]:
    interval = f"{metric.ci95[0]:.3f} to {metric.ci95[1]:.3f}" if metric.ci95 else ""
    return [f"{metric.value:.3f}", interval]


def _text(value: Any) -> str:
    if value is None or value != value:
        return ""
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def _table(header: Sequence[str], body: Sequence[Sequence[str]]) -> str:
    head = "".join(f"<th>{escape(cell)}</th>" for cell in header)
    lines = ("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in body)
    return f"<table><thead><tr>{head}</tr></thead><tbody>\n" + "\n".join(lines) + "\n</tbody></table>"
