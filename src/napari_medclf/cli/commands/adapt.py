"""`medclf adapt`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from napari_medclf.cli.command import Command
from napari_medclf.jobs.adapt.adapt import adapt
from napari_medclf.jobs.adapt.options import AdaptOptions, AdaptResult


def _document(result: AdaptResult) -> dict[str, Any]:
    return {
        "revision": result.revision.model_dump(mode="json"),
        "verdict": result.verdict.model_dump(mode="json"),
        "may_be_accepted": result.verdict.may_be_accepted,
        "folder": str(result.folder),
        "n_cases": result.n_cases,
        "elapsed_s": result.elapsed_s,
    }


def _show(result: AdaptResult) -> Iterator[str]:
    made = result.revision
    yield f"{made.revision_id}: {made.n_steps} steps on {result.n_cases} cases in {made.elapsed_s:.1f} s"
    yield result.verdict.sentence
    yield f"It is not in use yet: medclf revisions accept PROJECT {made.revision_id}"


COMMAND = Command(AdaptOptions, adapt, _document, _show)
