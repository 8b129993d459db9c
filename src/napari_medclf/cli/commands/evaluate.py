"""`medclf evaluate`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from napari_medclf.cli.command import Command
from napari_medclf.cli.tables import columns, metric_lines
from napari_medclf.jobs.evaluate import EvaluateOptions, Evaluation, evaluate


def _document(result: Evaluation) -> Mapping[str, Any]:
    return {**result.document, "path": str(result.path)}


def _show(result: Evaluation) -> Iterator[str]:
    yield f"{result.measured.n_cases} cases of {result.measured.n_groups} groups"
    yield from metric_lines(result.measured.metrics)
    if "against" in result.document:
        yield from _difference_lines(result.document["against"])
    yield f"wrote {result.path}"


def _difference_lines(against: Mapping[str, Any]) -> Iterator[str]:
    yield f"against {against['model']} {against['model_version']}:"
    rows = [("metric", "difference", "95 % interval", "verdict")]
    for name, one in against["differences"].items():
        interval = f"{one['ci95'][0]:+.3f} to {one['ci95'][1]:+.3f}" if one["ci95"] else ""
        rows.append((name, f"{one['value']:+.3f}", interval, str(one["verdict"])))
    yield from columns(rows)


COMMAND = Command(EvaluateOptions, evaluate, _document, _show)
