"""`medclf correct`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from napari_medclf.cli.command import Command
from napari_medclf.domain.annotation import Annotation
from napari_medclf.jobs.correct_files import CorrectOptions, correct


def _document(annotation: Annotation) -> dict[str, Any]:
    return {"annotation": annotation.model_dump(mode="json")}


def _show(annotation: Annotation) -> Iterator[str]:
    what = (
        f"{annotation.n_edited_vox} voxels edited" if annotation.label_digest else ", ".join(annotation.classes or ())
    )
    yield f"{annotation.case_id}: {annotation.origin}, {annotation.status}{', ' + what if what else ''}"


COMMAND = Command(CorrectOptions, correct, _document, _show)
