"""`medclf evaluate`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from napari_medclf.cli.command import Command
from napari_medclf.cli.tables import metric_lines
from napari_medclf.jobs.evaluate import EvaluateOptions, Evaluation, evaluate


def _document(result: Evaluation) -> Mapping[str, Any]:
    return {**result.document, "path": str(result.path)}


def _show(result: Evaluation) -> Iterator[str]:
    yield f"{result.measured.n_cases} cases of {result.measured.n_groups} groups"
    yield from metric_lines(result.measured.metrics)
    yield f"wrote {result.path}"


COMMAND = Command(EvaluateOptions, evaluate, _document, _show)
