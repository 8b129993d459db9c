"""`medclf models ensemble`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from napari_medclf.cli.command import Command
from napari_medclf.domain.package import ModelPackage
from napari_medclf.jobs.ensemble import EnsembleOptions, make_ensemble


def _document(made: ModelPackage) -> dict[str, Any]:
    card = made.card
    return {"name": card.name, "task": card.task, **card.network.arguments, "folder": str(made.folder)}


def _show(made: ModelPackage) -> Iterator[str]:
    arguments = made.card.network.arguments
    yield f"made {made.name}: {arguments['combine']} of {arguments['members']}"
    yield f"run it with: medclf predict {made.name} PATH --out FOLDER"


COMMAND = Command(EnsembleOptions, make_ensemble, _document, _show, summary="Make an ensemble of models that are here.")
