"""What was run, on what, with what: enough to run it again."""

from __future__ import annotations

from enum import StrEnum
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


class CaseStatus(StrEnum):
    """Where a case of a run stands."""

    PENDING = "pending"
    RUNNING = "running"
    """Begun by a process; if that was killed, it is pending for the next one."""
    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"
    """Not run, by a rule or because no image could be had of it; the reason says which."""


class SkipKind(StrEnum):
    """Why a file of a folder is skipped, in kinds that can be counted."""

    RULE = "rule"
    """It is not like the rule says that images must be."""
    COPY = "copy"
    """The same image is there already."""
    OTHER = "other"
    """It is no image: a table, labels, a report, an index, a hidden file."""
    REFUSED = "refused"
    """It should be an image, and cannot be opened: damaged, incomplete, of an unknown kind, too large."""
    GONE = "gone"
    """It was there when the run began, and is not any more."""


class CaseRecord(BaseModel):
    """Where one case of a run stands, and how it ended.

    Parameters
    ----------
    source : str
        The image as the run found it: path, and ``#member`` where the file or folder holds several.
    reason : str
        Why it failed or was skipped; of a case that is to be run, why this one was chosen of its study.
    skipped_as : SkipKind or None
        Of what was skipped.
    input_sha256 : str
        Of the bytes of all its files, whatever they are called; empty where they were never read.
    answered_by : str
        Digest of what else decides the answer: the model's weights and card, and the options. With `input_sha256` it
        tells whether a case must be done again.
    elapsed_s : float
        From the beginning of reading to the last file on disk, without waiting in queues.
    peak_bytes : int
        Largest memory of the process while the case was computed; 0 where it was not measured.
    worker : str
        Which process did it, such as ``tcp://10.0.0.7:40111``; empty for the one that keeps the ledger.
    outputs : dict
        Path below the run's folder to SHA-256.
    values : dict
        Scores, volumes, areas: the columns of ``results.csv``.
    doubts : dict
        What triage compares among the cases of a run, by the names of `domain.triage.DoubtKind`.
    traits : dict
        Numbers that describe the answer (volumes, shape, counts): a case whose traits are unlike the others' is looked
        at early.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    case_id: str
    source: str
    status: CaseStatus
    reason: str = ""
    skipped_as: SkipKind | None = None
    input_sha256: str = ""
    answered_by: str = ""
    elapsed_s: float = 0.0
    peak_bytes: int = 0
    worker: str = ""
    outputs: dict[str, str] = Field(default_factory=dict)
    values: dict[str, Any] = Field(default_factory=dict)
    doubts: dict[str, float] = Field(default_factory=dict)
    traits: dict[str, float] = Field(default_factory=dict)


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
