"""Cases to learn from and to measure on, split by patient."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from napari_medclf.domain.card import Task
from napari_medclf.domain.errors import DatasetError
from napari_medclf.domain.labels import LabelSchema


class Split(StrEnum):
    """What a case may be used for."""

    TRAIN = "train"
    VAL = "val"
    TEST = "test"


@dataclass(frozen=True)
class FileRef:
    """An image or label somewhere: a path, and the member inside it (``"train/17"`` of an npz)."""

    path: Path
    member: str = ""

    def __str__(self) -> str:
        return f"{self.path}#{self.member}" if self.member else str(self.path)


@dataclass(frozen=True)
class Case:
    """One case.

    Parameters
    ----------
    case_id : str
        Unique in its dataset and safe as a file name.
    group_id : str
        Patient (or whatever must not be in two splits); equals `case_id` where unknown.
    images : dict
        Role to image: ``{"image": ...}``, or one role a channel such as ``"T1"``.
    label_map : FileRef or None
        Label image for segmentation.
    classes : tuple of str
        Class names for classification.
    """

    case_id: str
    group_id: str
    images: Mapping[str, FileRef]
    label_map: FileRef | None = None
    edited_mask: FileRef | None = None
    """Where a person painted; those voxels weigh more when learning from corrections."""
    classes: tuple[str, ...] = ()
    split: Split | None = None
    values: Mapping[str, float] = field(default_factory=dict)
    """Name to number, for regression."""
    boxes: FileRef | None = None
    """Boxes around objects, for detection."""
    stratum: str = ""
    """What kind of case it is (appearance, scanner, site): splits keep the kinds in proportion."""
    facts: Mapping[str, str] = field(default_factory=dict)
    """What else is known, such as sex, age group, site: groups that a report tells apart. Never a name of a patient."""


class Lack(StrEnum):
    """Why a file did not become a case."""

    NO_LABEL = "no-label"
    NO_IMAGE = "no-image"
    SHARED = "shared"
    """Its samples are those of a case in another split."""


@dataclass(frozen=True)
class LeftOut:
    """A file that did not become a case.

    Parameters
    ----------
    name : str
        What the case would have been called.
    other : str
        The case that has the same samples; empty for other reasons.
    """

    name: str
    ref: FileRef
    lack: Lack
    other: str = ""


@dataclass(frozen=True)
class Dataset:
    """Cases with one schema.

    Raises
    ------
    DatasetError
        If a case id repeats, or a group stands in two splits.
    """

    name: str
    task: Task
    schema: LabelSchema
    cases: tuple[Case, ...]
    path: Path
    label_to_value: Mapping[int, int] = field(default_factory=dict)
    """Maps values found in label images to values of the schema; empty for the same."""
    warnings: tuple[str, ...] = ()
    is_exclusive: bool = True
    """Classification: every case has exactly one class; False when it may have several or none."""
    left_out: tuple[LeftOut, ...] = ()
    """Files that did not become cases; `warnings` sums them up."""

    def __post_init__(self) -> None:
        repeated = [name for name, n in Counter(case.case_id for case in self.cases).items() if n > 1]
        if repeated:
            raise DatasetError(f"{self.path}: the case ids {repeated[:5]} stand more than once.")
        splits: dict[str, set[Split]] = {}
        for case in self.cases:
            if case.split is not None:
                splits.setdefault(case.group_id, set()).add(case.split)
        leaking = sorted(group for group, found in splits.items() if len(found) > 1)
        if leaking:
            raise DatasetError(
                f"{self.path}: {len(leaking)} groups (patients) stand in two splits, such as {leaking[0]!r}: the "
                "measured quality would be too good. Put all cases of a group into one split."
            )

    def in_split(self, split: Split) -> tuple[Case, ...]:
        """Cases of one split, in order."""
        return tuple(case for case in self.cases if case.split is split)

    @property
    def n_groups(self) -> int:
        """How many patients (or other groups) there are."""
        return len({case.group_id for case in self.cases})
