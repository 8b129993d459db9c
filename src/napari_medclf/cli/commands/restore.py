"""`medclf restore`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from napari_medclf.cli.command import Command
from napari_medclf.cli.tables import columns
from napari_medclf.jobs.session.restore import Restored, RestoreOptions, restore
from napari_medclf.store.strokes.moment import Step


def _document(restored: Restored) -> dict[str, Any]:
    return {
        "case_id": restored.case_id,
        "n_strokes": restored.n_strokes,
        "annotation": restored.annotation.model_dump(mode="json") if restored.annotation else None,
        "out": None if restored.out is None else str(restored.out),
        "notes": restored.notes,
        "strokes": [_step(number, step) for number, step in enumerate(restored.steps, start=1)],
    }


def _step(number: int, step: Step) -> dict[str, Any]:
    about = {"kind": step.kind.value, "tool": step.tool, "author": step.author, "n_vox": step.n_vox}
    return {"number": number, "at": step.moment.at, "writer": step.moment.writer_id, **about}


def _show(restored: Restored) -> Iterator[str]:
    yield from restored.notes
    if restored.n_strokes is None:
        rows = [
            (str(number), step.moment.at, step.author, step.tool or step.kind.value, f"{step.n_vox} voxels")
            for number, step in enumerate(restored.steps, start=1)
        ]
        yield from columns([("stroke", "when", "who", "what", ""), *rows])
        return
    where = f"written to {restored.out}" if restored.out else "saved as its newest answer; all earlier ones are kept"
    yield f"{restored.case_id}: labels as after {restored.n_strokes} of {len(restored.steps)} strokes, {where}"


COMMAND = Command(RestoreOptions, restore, _document, _show)
