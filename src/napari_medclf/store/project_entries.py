"""What the journal of a project holds, line by line."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from napari_medclf.domain.annotation import Annotation
from napari_medclf.domain.card import Task
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.mark import Mark


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
    """An image was added.

    `facts` is what else is known of it, such as sex, site or scanner: groups that a verdict tells apart. Never a
    patient's name.
    """

    model_config = ConfigDict(frozen=True)

    kind: Literal["case"] = "case"
    case_id: str
    group_id: str
    path: str
    member: str = ""
    image_digest: str
    facts: dict[str, str] = Field(default_factory=dict)


class AnnotationEntry(BaseModel):
    """A person said something.

    Parameters
    ----------
    adjudicates : tuple of str
        The people between whose answers this one decides; empty for every other answer.
    """

    model_config = ConfigDict(frozen=True)

    kind: Literal["annotation"] = "annotation"
    annotation: Annotation
    label_map: str = ""
    label_sha256: str = ""
    edited_mask: str = ""
    adjudicates: tuple[str, ...] = ()


class PredictionEntry(BaseModel):
    """A model answered.

    Parameters
    ----------
    uncertainty : dict
        How unsure it was, by kind, from 0 (sure) to 1: ``entropy``, ``disagreement``, ``tta``.
    scores : dict
        Class name to probability, for classification.
    label_map, embedding : str
        Files below the project; empty where none was kept. An embedding is a ``.npy`` of (n,) float32: what the
        model saw in the image, to find images that are unlike those which are done.
    """

    model_config = ConfigDict(frozen=True)

    kind: Literal["prediction"] = "prediction"
    case_id: str
    model: str
    model_version: str = ""
    weights_sha256: str = ""
    uncertainty: dict[str, float] = Field(default_factory=dict)
    scores: dict[str, float] = Field(default_factory=dict)
    decided: tuple[str, ...] | None = None
    label_map: str = ""
    label_sha256: str = ""
    embedding: str = ""
    elapsed_s: float = 0.0
    created: str


class LockEntry(BaseModel):
    """A case was closed, or opened again."""

    model_config = ConfigDict(frozen=True)

    kind: Literal["lock"] = "lock"
    case_id: str
    is_locked: bool
    author: str
    created: str


class MarkEntry(BaseModel):
    """A person said something about a study, image, slice or object."""

    model_config = ConfigDict(frozen=True)

    kind: Literal["mark"] = "mark"
    case_id: str
    mark: Mark
