"""What correcting costs and what it brings: seconds of human time a case, and gain on the hold-out a minute."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_medclf.domain.revision import DataRevision, ModelRevision

if TYPE_CHECKING:
    from napari_medclf.store.project import ProjectCase

_S_PER_MIN = 60.0


@dataclass(frozen=True)
class CaseEffort:
    """What people put into one finished case, over all versions of its answer.

    Parameters
    ----------
    finished : str
        UTC, ISO 8601: when the answer that counts was saved.
    active_s : float
        Seconds at work, without pauses.
    """

    case_id: str
    finished: str
    active_s: float
    n_strokes: int
    n_edited_vox: int


@dataclass(frozen=True)
class Effort:
    """What people put into a project.

    Parameters
    ----------
    cases : tuple of CaseEffort
        Finished ones, in the order they were finished: the curve that falls when the model learns.
    """

    cases: tuple[CaseEffort, ...]

    @property
    def active_s(self) -> float:
        """Seconds of human time in all finished cases."""
        return sum(one.active_s for one in self.cases)

    @property
    def s_per_case(self) -> float | None:
        """Seconds of human time a finished case; None where none is, or nobody's time was taken."""
        return self.active_s / len(self.cases) if self.active_s > 0 else None

    def as_document(self) -> Mapping[str, object]:
        """The numbers for JSON."""
        return {"n_finished": len(self.cases), "active_s": self.active_s, "s_per_case": self.s_per_case}


@dataclass(frozen=True)
class Gain:
    """What one revision of the model brought on the hold-out.

    Parameters
    ----------
    minutes : float
        Human time that went into the corrections which its parent had not learned from.
    change : float
        Of the verdict's main number, after - before.
    """

    revision_id: str
    name: str
    minutes: float
    change: float

    @property
    def per_minute(self) -> float | None:
        """Gain a corrected minute; None where no time was taken."""
        return self.change / self.minutes if self.minutes > 0 else None


def effort_of(cases: Sequence[ProjectCase]) -> Effort:
    """Add up what went into the finished cases; second readers and adjudicators count, as their time is spent, too."""
    found = [_case_effort(case) for case in cases if case.answer is not None]
    return Effort(tuple(sorted(found, key=lambda one: one.finished)))


def gains_of(models: Sequence[ModelRevision], data: Sequence[DataRevision]) -> tuple[Gain, ...]:
    """Relate each revision's verdict to the human time between what its parent learned from and what it did.

    Parameters
    ----------
    models : sequence of ModelRevision
        Revisions without a verdict, or of a parent that is not among them, are left out.
    """
    seconds = {one.revision_id: one.active_s for one in data}
    by_id = {one.revision_id: one for one in models}
    gains = []
    for one in models:
        parent = by_id.get(one.parent_id)
        if parent is None or one.verdict is None or not one.verdict.changes:
            continue
        spent_s = seconds.get(one.data_revision_id, 0.0) - seconds.get(parent.data_revision_id, 0.0)
        main = one.verdict.changes[0]
        gains.append(Gain(one.revision_id, main.name, max(spent_s, 0.0) / _S_PER_MIN, main.after - main.before))
    return tuple(gains)


def _case_effort(case: ProjectCase) -> CaseEffort:
    versions = [one.annotation for one in case.versions]
    assert case.answer is not None
    return CaseEffort(
        case_id=case.case_id,
        finished=case.answer.annotation.created,
        active_s=sum(one.active_s for one in versions),
        n_strokes=sum(one.n_strokes for one in versions),
        n_edited_vox=case.answer.annotation.n_edited_vox,
    )
