"""What a job tells while it runs, and how it can end."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:  # numpy is not loaded for `medclf --help`
    from napari_medclf.domain.arrays import LabelArray

Result = TypeVar("Result")


@dataclass(frozen=True)
class Progress:
    """How far a job is: `done` of `total` steps (a total of 0 means unknown), and what it does."""

    done: float
    total: float
    message: str = ""


@dataclass(frozen=True)
class EpochDone:
    """One pass of a training is over; `values` are named numbers for the curve."""

    epoch: int
    n_epochs: int
    values: Mapping[str, float]
    is_best: bool = False


@dataclass(frozen=True)
class CaseDone:
    """One case of many was finished."""

    case_id: str
    source: Path
    result: Any = None


@dataclass(frozen=True)
class CaseFailed:
    """One case of many could not be done; the others go on."""

    case_id: str
    source: Path
    reason: str


@dataclass(frozen=True)
class Warned:
    """Something a person should know, as one sentence."""

    message: str


@dataclass(frozen=True)
class Noted:
    """Something worth knowing that is no warning, as one line, such as the memory that is planned."""

    message: str


@dataclass(frozen=True)
class Previewed:
    """A part of the answer is there before the rest: the slice that a person looks at.

    Parameters
    ----------
    axis, index : int
        The slice of the image's grid (axis 0 = k, 1 = j, 2 = i).
    labels : 2D integer array
        Label values of that slice, as the whole answer will have them unless `is_final` is false.
    """

    axis: int
    index: int
    labels: LabelArray
    is_final: bool = True


JobEvent = Progress | EpochDone | CaseDone | CaseFailed | Warned | Noted | Previewed
Job = Generator[JobEvent, None, Result]
"""A use case that runs: yields where it is safe to stop, returns its result."""


class FinishReason(StrEnum):
    """How a job ended."""

    COMPLETED = "completed"
    CANCELED = "canceled"
    FAILED = "failed"


@dataclass(frozen=True)
class Outcome(Generic[Result]):
    """The end of a job.

    `message` is a sentence for people; `error` is the exception behind a failure; `failures` are the
    cases that could not be done in a job that completed.
    """

    reason: FinishReason
    result: Result | None = None
    message: str = ""
    error: BaseException | None = None
    failures: tuple[CaseFailed, ...] = field(default=())
    elapsed_s: float = 0.0
