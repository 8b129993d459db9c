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
    document = result.document
    yield f"{result.measured.n_cases} cases of {result.measured.n_groups} groups"
    yield from metric_lines(result.measured.metrics)
    if document.get("operating_points"):
        yield from _operating_lines(document["operating_points"])
    if document.get("undefined"):
        yield "not defined:"
        yield from (f"  {name}: {reason}" for name, reason in document["undefined"].items())
    if "against" in document:
        yield from _difference_lines(document["against"])
    for role in ("against", "baseline"):
        if role in document:
            yield f"{role} {document[role]['model']}: {document[role]['sentence']}"
    if document.get("contaminated"):
        yield document["contaminated"]["sentence"]
    yield f"wrote {result.path}"


def _operating_lines(points: Mapping[str, Any]) -> Iterator[str]:
    first = next(iter(points.values()))
    yield f"thresholds for a sensitivity of {first['target_sensitivity']:g}, chosen on {first['chosen_on']}:"
    rows: list[tuple[str, ...]] = [("class", "threshold", "sensitivity", "specificity", "PPV", "NPV")]
    for name, one in points.items():
        kinds = (one.get(kind) for kind in ("sensitivity", "specificity", "precision", "npv"))
        rows.append((name, f"{one['threshold']:.3f}", *(f"{kind.value:.3f}" if kind else "" for kind in kinds)))
    yield from columns(rows)


def _difference_lines(against: Mapping[str, Any]) -> Iterator[str]:
    yield f"against {against['model']} {against['model_version']}:"
    rows = [("metric", "difference", "95 % interval", "verdict")]
    for name, one in against["differences"].items():
        interval = f"{one['ci95'][0]:+.3f} to {one['ci95'][1]:+.3f}" if one["ci95"] else ""
        rows.append((name, f"{one['value']:+.3f}", interval, str(one["verdict"])))
    yield from columns(rows)


COMMAND = Command(EvaluateOptions, evaluate, _document, _show)
