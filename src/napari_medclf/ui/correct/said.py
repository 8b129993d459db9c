"""What a person says about an image at the moment of a decision, copied so that a worker can save it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from napari_medclf.domain.annotation import Annotation, Status
from napari_medclf.domain.events import Job
from napari_medclf.domain.image import MedImage
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.results import Prediction
from napari_medclf.ui.autosave import PaintedLabels


@dataclass(frozen=True, eq=False)
class Said:
    """A decision with all that belongs to it.

    Parameters
    ----------
    project : Path
        Where it is kept; made if it is not there yet.
    painted : PaintedLabels or None
        A copy of the labels.
    layer : labels layer or None
        Whose copy it is; only the GUI thread touches it.
    base : Prediction or None
        What a model had said.
    """

    project: Path
    status: Status
    painted: PaintedLabels | None = None
    layer: Any = None
    classes: tuple[str, ...] | None = None
    base: Prediction | None = None
    schema: LabelSchema | None = None
    author: str = ""
    is_blind: bool = False
    active_s: float = 0.0


def save_said(image: MedImage, said: Said) -> Job[Annotation]:
    """Save a decision; when this returns, it is on the disk.

    Raises
    ------
    MedclfError
        As `jobs.correct.save_answer`.
    """
    from napari_medclf.jobs.correct import Answer, save_answer

    painted = said.painted
    answer = Answer(
        segmentation=None if painted is None else painted.read(),
        classes=said.classes,
        base=said.base,
        author=said.author,
        status=said.status,
        schema=said.schema,
        voxel_origins=None if painted is None else painted.voxel_origins,
        n_strokes=0 if painted is None else painted.n_strokes,
        active_s=said.active_s,
        is_blind=said.is_blind,
    )
    return (yield from save_answer(said.project, image, answer))
