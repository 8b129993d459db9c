"""`medclf train`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from napari_medclf.cli.command import Command
from napari_medclf.cli.tables import metric_lines
from napari_medclf.jobs.train import TrainOptions, TrainResult, train


def _document(result: TrainResult) -> dict[str, Any]:
    card = result.package.card
    return {
        "model": card.name,
        "folder": str(result.package.folder),
        "task": card.task,
        "classes": card.schema_.names,
        "best_epoch": result.best_epoch,
        "n_epochs": len(result.history),
        "metrics": result.metrics,
        "history": result.history,
    }


def _show(result: TrainResult) -> Iterator[str]:
    yield f"model {result.package.name} in {result.package.folder}"
    yield f"best epoch {result.best_epoch} of {len(result.history)}"
    yield from metric_lines(result.metrics)


COMMAND = Command(TrainOptions, train, _document, _show)
