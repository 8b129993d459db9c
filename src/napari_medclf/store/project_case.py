"""A case of a project as the program sees it: its answers, what models said, and where it stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from napari_medclf.domain.annotation import Annotation, CaseState, Origin, Status
from napari_medclf.domain.dataset import FileRef
from napari_medclf.store.project_entries import PredictionEntry

_STATES = {
    Status.FLAGGED: CaseState.FLAGGED,
    Status.SKIPPED: CaseState.SKIPPED,
    Status.LOCKED: CaseState.LOCKED,
}


@dataclass(frozen=True)
class SavedAnnotation:
    """One version of an answer, and where its arrays are.

    Parameters
    ----------
    adjudicates : tuple of str
        The people between whose answers it decides.
    is_late : bool
        Another process saved it while the case was being locked: it is kept, and does not count.
    """

    annotation: Annotation
    label_map: FileRef | None = None
    edited_mask: FileRef | None = None
    label_sha256: str = ""
    adjudicates: tuple[str, ...] = ()
    is_late: bool = False

    @property
    def is_finished(self) -> bool:
        """Whether it says what is right, rather than skipping or flagging the case."""
        return self.annotation.status in (Status.DONE, Status.LOCKED)


@dataclass(frozen=True)
class SavedPrediction:
    """What a model said, and where its arrays are."""

    entry: PredictionEntry
    label_map: FileRef | None = None
    embedding: FileRef | None = None


@dataclass(frozen=True)
class ProjectCase:
    """An image of a project with its answers and predictions, oldest first.

    A blind answer is a second opinion. It does not count while there is an answer of somebody who was not blind:
    a second reader cannot silently replace the first one, an adjudicator can.
    """

    case_id: str
    group_id: str
    image: FileRef
    image_digest: str
    versions: tuple[SavedAnnotation, ...] = ()
    predictions: tuple[SavedPrediction, ...] = ()
    is_locked: bool = False
    facts: Mapping[str, str] = field(default_factory=dict)
    """What else is known, such as sex or site: see `domain.dataset.Case`."""

    @property
    def newest(self) -> SavedAnnotation | None:
        """The version that counts; None where nobody said anything."""
        in_time = [one for one in self.versions if not one.is_late]
        seeing = [one for one in in_time if not one.annotation.is_blind]
        counting = seeing or in_time
        return counting[-1] if counting else None

    @property
    def status(self) -> Status:
        """Where the case is in the work list."""
        if self.is_locked:
            return Status.LOCKED
        return Status.OPEN if self.newest is None else self.newest.annotation.status

    @property
    def state(self) -> CaseState:
        """Where the case is, told in more detail: whether a model answered, and whether a person changed that."""
        if self.status in _STATES:
            return _STATES[self.status]
        if self.newest is None or self.status is Status.OPEN:
            return CaseState.PREDICTED if self.predictions else CaseState.TO_DO
        is_accepted = self.newest.annotation.origin is Origin.ACCEPTED
        return CaseState.ACCEPTED if is_accepted else CaseState.CORRECTED

    @property
    def answer(self) -> SavedAnnotation | None:
        """The finished version that counts; None when the case is open, skipped or flagged."""
        return self.newest if self.newest is not None and self.newest.is_finished else None

    @property
    def prediction(self) -> SavedPrediction | None:
        """The newest thing a model said; None where none did."""
        return self.predictions[-1] if self.predictions else None

    @property
    def readers(self) -> tuple[str, ...]:
        """Who gave a finished answer, in the order of their first one; adjudicators are not readers."""
        finished = (one.annotation.author for one in self.versions if one.is_finished and not one.adjudicates)
        return tuple(dict.fromkeys(finished))

    def answer_of(self, author: str) -> SavedAnnotation | None:
        """The newest finished answer of one reader, not counting what they decided as an adjudicator."""
        own = [one for one in self.versions if one.annotation.author == author and not one.adjudicates]
        return own[-1] if own and own[-1].is_finished else None

    def seen_by(self, author: str) -> ProjectCase:
        """The case as a blind reader sees it: with no answer but their own; predictions stay."""
        own = tuple(one for one in self.versions if one.annotation.author == author)
        return replace(self, versions=own)
