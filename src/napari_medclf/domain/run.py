"""What was run, on what, with what: enough to run it again."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from napari_medclf.domain.events import FinishReason


class RunSpec(BaseModel):
    """A command with its options; running it again gives the same result.

    Parameters
    ----------
    command : str
        Name of the use case: ``train``, ``predict``, ``batch``, ``evaluate``.
    options : dict
        As given, paths as text.
    seed : int
        Of every random number.
    versions : dict
        Package name to version, this package first.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: Literal[1] = 1
    command: str
    options: dict[str, Any]
    seed: int = 0
    versions: dict[str, str] = Field(default_factory=dict)


class CaseRecord(BaseModel):
    """How one case of a run ended."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    case_id: str
    source: str
    status: Literal["done", "failed", "skipped"]
    reason: str = ""
    elapsed_s: float = 0.0
    outputs: dict[str, str] = Field(default_factory=dict)
    """Path below the run's folder to SHA-256."""
    values: dict[str, Any] = Field(default_factory=dict)
    """Scores, volumes, areas."""


class RunRecord(BaseModel):
    """The ``run.json`` of a run."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: Literal[1] = 1
    spec: RunSpec
    model: str = ""
    model_version: str = ""
    weights_sha256: str = ""
    device: str = "cpu"
    finish_reason: FinishReason
    message: str = ""
    started: str
    elapsed_s: float
    cases: tuple[CaseRecord, ...] = ()
