"""What a run over a folder is going to do: every file of it in a row, to be run or not, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from napari_medclf.domain.dataset import FileRef
from napari_medclf.domain.geometry import Vector3
from napari_medclf.domain.run import CaseRecord, CaseStatus
from napari_medclf.domain.series_rule import FolderRule


@dataclass(frozen=True)
class PlannedCase:
    """One image of a folder, or a file that is none.

    Parameters
    ----------
    record : CaseRecord
        Pending with the reason why it was chosen, skipped with the reason why not, or done before.
    source : FileRef
        What it is opened by.
    files : tuple of Path
        All files that it stands for: those of a series count as one image. Images inside one file share it.
    kind : str
        DICOM's modality (CT, MR, SEG ...), or the file format; empty for what is no image.
    size : tuple of int
        (K, J, I), (C, K, J, I), or empty where it is not known before reading.
    expected_s, expected_bytes : float, int or None
        What it will take by itself, as far as that can be told.
    notes : tuple of str
        What is odd with it, as sentences; it is run all the same.
    """

    record: CaseRecord
    source: FileRef
    files: tuple[Path, ...] = ()
    kind: str = ""
    study: str = ""
    description: str = ""
    size: tuple[int, ...] = ()
    spacing_mm: Vector3 | None = None
    expected_s: float | None = None
    expected_bytes: int | None = None
    notes: tuple[str, ...] = ()

    @property
    def is_to_run(self) -> bool:
        """Whether the run will do it."""
        return self.record.status is CaseStatus.PENDING

    def as_document(self) -> Mapping[str, Any]:
        """The row for JSON."""
        record = self.record
        return {
            "case_id": record.case_id,
            "source": record.source,
            "status": record.status.value,
            "reason": record.reason,
            "kind": self.kind,
            "study": self.study,
            "description": self.description,
            "size": list(self.size),
            "spacing_mm": None if self.spacing_mm is None else list(self.spacing_mm),
            "n_files": len(self.files),
            "expected_s": self.expected_s,
            "expected_bytes": self.expected_bytes,
            "notes": list(self.notes),
        }


@dataclass(frozen=True)
class BatchPlan:
    """What a run over a folder will do.

    Parameters
    ----------
    rows : tuple of PlannedCase
        Everything below the folder: what will be run in the order of the folder, then what will not.
    expected_s : float or None
        For the whole run, by the clock; None where nothing is known of it.
    basis : str
        Where expected times come from, as a sentence.
    peak_bytes : int or None
        Largest memory of one case beside what the program takes anyhow; None where it cannot be foreseen.
    free_bytes : int
        Memory that may be taken now.
    notes : tuple of str
        What a person should know before starting, as sentences.
    """

    folder: Path
    model: str
    model_version: str
    rule: FolderRule
    rows: tuple[PlannedCase, ...]
    expected_s: float | None = None
    basis: str = ""
    peak_bytes: int | None = None
    free_bytes: int = 0
    notes: tuple[str, ...] = ()

    @property
    def to_run(self) -> tuple[PlannedCase, ...]:
        """What the run will do."""
        return tuple(row for row in self.rows if row.is_to_run)

    @property
    def counts(self) -> Mapping[CaseStatus, int]:
        """How many rows stand where."""
        return Counter(row.record.status for row in self.rows)

    def as_document(self) -> Mapping[str, Any]:
        """The plan for JSON."""
        return {
            "folder": str(self.folder),
            "model": self.model,
            "model_version": self.model_version,
            "rule": {name: list(one) if isinstance(one, tuple) else one for name, one in vars(self.rule).items()},
            "counts": {status.value: n for status, n in self.counts.items()},
            "expected_s": self.expected_s,
            "basis": self.basis,
            "peak_bytes": self.peak_bytes,
            "free_bytes": self.free_bytes,
            "notes": list(self.notes),
            "cases": [row.as_document() for row in self.rows],
        }
