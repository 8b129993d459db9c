"""`medclf search`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from napari_medclf.cli.command import Command
from napari_medclf.jobs.search import Searched, SearchOptions, rows_of, search_settings


def _document(result: Searched) -> dict[str, Any]:
    return {
        "recipe": str(result.path),
        "score": result.found.score,
        "n_trials": len(result.found.trials),
        "trials": rows_of(result.found),
    }


def _show(result: Searched) -> Iterator[str]:
    trials = result.found.trials
    yield f"best of {len(trials)} trials: {result.found.score:.4f} on the validation cases"
    if trials[0].score is not None:
        yield f"the recipe as it was: {trials[0].score:.4f}"
    yield f"train with it: medclf train DATA --recipe {result.path} --out MODEL"


COMMAND = Command(SearchOptions, search_settings, _document, _show)
