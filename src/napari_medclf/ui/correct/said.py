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


@dataclass(frozen=True)
class Between:
    """Whose answers lie side by side on the image that is meant, and in which project.

    What is accepted then decides between them: it is no reading of its own, as its author saw the others.
    """

    project: Path
    readers: tuple[str, ...]


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
    between : Between or None
        Whose answers the person saw.
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
    between: Between | None = None

    @property
    def adjudicates(self) -> tuple[str, ...]:
        """The people between whose answers it decides; blind readers decide between nobody."""
        between = self.between
        is_decided = between is not None and between.project == self.project and self.status is Status.DONE
        return between.readers if between is not None and is_decided and not self.is_blind else ()


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
        adjudicates=said.adjudicates,
    )
    return (yield from save_answer(said.project, image, answer))
