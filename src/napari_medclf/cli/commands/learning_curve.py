"""`medclf learning-curve`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from napari_medclf.cli.command import Command
from napari_medclf.cli.tables import columns
from napari_medclf.jobs.learning_curve import LearningCurve, LearningCurveOptions, learning_curve


def _document(result: LearningCurve) -> Mapping[str, Any]:
    return {**result.document, "path": str(result.path)}


def _show(result: LearningCurve) -> Iterator[str]:
    rows = [("part", "patients", "cases", str(result.document["number"]), "95 % interval")]
    for one in result.document["points"]:
        value = "not defined" if one["value"] is None else f"{one['value']:.3f}"
        interval = f"{one['ci95'][0]:.3f} to {one['ci95'][1]:.3f}" if one["ci95"] else ""
        rows.append((f"{one['fraction']:g}", str(one["n_groups"]), str(one["n_cases"]), value, interval))
    yield from columns(rows)
    yield result.document["outlook"]["sentence"]
    yield f"wrote {result.path}"


COMMAND = Command(LearningCurveOptions, learning_curve, _document, _show)
