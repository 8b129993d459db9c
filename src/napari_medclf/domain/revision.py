"""Revisions of models and of what they learned from: immutable, and linked to each other."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict

from napari_medclf.domain.verdict import Verdict


class LearnedBy(StrEnum):
    """How a revision came to be."""

    IMPORT = "import"
    """The model that the project began with."""
    INSTANT = "instant"
    """Its last layer was refitted."""
    ADAPT = "adapt"
    """Norm layers and last layer, a few steps."""
    FINE_TUNE = "fine-tune"
    """All weights, many steps."""


class DataRevision(BaseModel):
    """Which answers a model learned from.

    Parameters
    ----------
    revision_id : str
        First 16 hex digits of the SHA-256 of the sorted `annotations`.
    annotations : tuple of str
        ``<case_id>:<label or classes digest>`` of each answer, sorted.
    n_edited_vox, active_s : int, float
        What people put into them: voxels they changed and seconds they worked.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: Literal[1] = 1
    revision_id: str
    annotations: tuple[str, ...]
    n_edited_vox: int = 0
    active_s: float = 0.0
    created: str


class ModelRevision(BaseModel):
    """One state of a project's model.

    Parameters
    ----------
    revision_id : str
        Such as ``r0003-1f2e3d4c``: a number, and the start of the weights' SHA-256.
    parent_id : str
        The revision it was made from; empty for the first one.
    data_revision_id : str
        What it learned from; empty for the first one.
    package : str
        Folder of its package, relative to the project.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: Literal[1] = 1
    revision_id: str
    parent_id: str = ""
    data_revision_id: str = ""
    learned_by: LearnedBy
    package: str
    weights_sha256: str
    verdict: Verdict | None = None
    elapsed_s: float = 0.0
    n_steps: int = 0
    seed: int = 0
    author: str = ""
    created: str
