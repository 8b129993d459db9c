"""What a project holds: its description, the lines of its journal, and cases as the program sees them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict

from napari_medclf.domain.annotation import Annotation, Status
from napari_medclf.domain.card import Task
from napari_medclf.domain.dataset import FileRef
from napari_medclf.domain.labels import LabelSchema


class ProjectInfo(BaseModel):
    """What a project is about.

    `is_exclusive` tells that an image has one class at most, for classification.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: Literal[1] = 1
    name: str
    task: Task
    classes: LabelSchema
    is_exclusive: bool = True
    created: str = ""


class CaseEntry(BaseModel):
    """A line of the journal: an image was added."""

    model_config = ConfigDict(frozen=True)

    kind: Literal["case"] = "case"
    case_id: str
    group_id: str
    path: str
    member: str = ""
    image_digest: str


class AnnotationEntry(BaseModel):
    """A line of the journal: a person said something."""

    model_config = ConfigDict(frozen=True)

    kind: Literal["annotation"] = "annotation"
    annotation: Annotation
    label_map: str = ""
    label_sha256: str = ""
    edited_mask: str = ""


@dataclass(frozen=True)
class SavedAnnotation:
    """One version of an answer, and where its arrays are."""

    annotation: Annotation
    label_map: FileRef | None = None
    edited_mask: FileRef | None = None
    label_sha256: str = ""


@dataclass(frozen=True)
class ProjectCase:
    """An image of a project with its answers, oldest first."""

    case_id: str
    group_id: str
    image: FileRef
    image_digest: str
    versions: tuple[SavedAnnotation, ...] = ()

    @property
    def status(self) -> Status:
        """Where the case is in the work list."""
        return self.versions[-1].annotation.status if self.versions else Status.OPEN

    @property
    def answer(self) -> SavedAnnotation | None:
        """The newest finished version; None when the case is open, skipped or flagged."""
        return self.versions[-1] if self.status is Status.DONE else None
