"""What a person said about an image, with its provenance."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict


class Origin(StrEnum):
    """How an annotation came to be."""

    MANUAL = "manual"
    """Made by a person from nothing."""
    CORRECTED = "corrected"
    """A model's output that a person changed."""
    ACCEPTED = "accepted"
    """A model's output that a person found right."""


class Status(StrEnum):
    """Where a case is in the work list."""

    OPEN = "open"
    DONE = "done"
    SKIPPED = "skipped"
    FLAGGED = "flagged"
    LOCKED = "locked"
    """Done, and closed: nobody changes it until it is unlocked."""


class CaseState(StrEnum):
    """What a work list shows of a case."""

    TO_DO = "to-do"
    PREDICTED = "predicted"
    """A model answered, and nobody looked yet."""
    CORRECTED = "corrected"
    """A person changed the model's answer, or made one from nothing."""
    ACCEPTED = "accepted"
    """A person found the model's answer right."""
    FLAGGED = "flagged"
    SKIPPED = "skipped"
    LOCKED = "locked"


class Annotation(BaseModel):
    """One saved version of the answer for one image.

    Parameters
    ----------
    image_digest : str
        SHA-256 of the image that was annotated.
    label_digest : str
        SHA-256 of the label array; empty without labels.
    classes : tuple of str or None
        Image-level classes; None where nothing was said.
    model, model_version, weights_sha256 : str
        What made the labels that were corrected; empty for manual ones.
    author : str
        Operating-system user or a chosen pseudonym.
    n_edited_vox : int
        Voxels that differ from the model's output.
    active_s : float
        Seconds a person worked on this version; gaps of over 30 s between two acts do not count.
    n_strokes : int
        Strokes it took.
    is_blind : bool
        The author saw no other person's answer (second reader).
    created : str
        UTC, ISO 8601.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: Literal[1] = 1
    case_id: str
    group_id: str
    image_digest: str
    label_digest: str = ""
    classes: tuple[str, ...] | None = None
    origin: Origin
    status: Status = Status.DONE
    author: str
    model: str = ""
    model_version: str = ""
    weights_sha256: str = ""
    n_edited_vox: int = 0
    active_s: float = 0.0
    n_strokes: int = 0
    is_blind: bool = False
    is_unsure: bool = False
    comment: str = ""
    created: str
