"""`medclf objects`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from napari_medclf.cli.command import Command
from napari_medclf.jobs.objects import ObjectsOptions, ObjectsResult, classify_in_files


def _document(result: ObjectsResult) -> dict[str, Any]:
    return {
        "counts": result.counts,
        "n_shown": result.n_shown,
        "n_unsure": result.n_unsure,
        "table": str(result.table),
        "class_map": str(result.class_map),
    }


def _show(result: ObjectsResult) -> Iterator[str]:
    counts = ", ".join(f"{n} {name}" for name, n in result.counts.items())
    yield f"{counts}; learned from {result.n_shown} examples, {result.n_unsure} are unsure"
    yield f"{result.table} and {result.class_map} were written"


COMMAND = Command(ObjectsOptions, classify_in_files, _document, _show)
