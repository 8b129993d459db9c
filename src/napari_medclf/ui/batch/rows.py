"""The cases of a run as a person looks at them: what was answered, how doubtful it is, who has seen it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from pathlib import Path

from napari_medclf.domain.annotation import Status
from napari_medclf.domain.dataset import FileRef
from napari_medclf.domain.run import CaseRecord, CaseStatus, SkipKind
from napari_medclf.domain.triage import TriageRow
from napari_medclf.ui.tables import number_text

_SIZES = {"volume_ml": "mL", "area_mm2": "mm²", "area_px": "px", "volume_vox": "vox", "n_objects": "", "n_boxes": ""}
"""What stands before the colon of a value that says how much there is of a class, and its unit for people."""
_MOST_LINES = 2


class RowState(StrEnum):
    """Where a case stands between the run and a person."""

    TO_LOOK = "to look at"
    ACCEPTED = "accepted"
    FLAGGED = "flagged"
    PASSED = "skipped by you"
    FAILED = "failed"
    REFUSED = "cannot be opened"
    NOT_RUN = "not run"
    WAITING = "waiting"


GLYPHS = {
    RowState.TO_LOOK: "○",
    RowState.ACCEPTED: "✓",
    RowState.FLAGGED: "⚑",
    RowState.PASSED: "–",
    RowState.FAILED: "✗",
    RowState.REFUSED: "✗",
    RowState.NOT_RUN: "⊘",
    RowState.WAITING: "◌",
}
_OF_RUN = {
    CaseStatus.FAILED: RowState.FAILED,
    CaseStatus.SKIPPED: RowState.NOT_RUN,
    CaseStatus.PENDING: RowState.WAITING,
    CaseStatus.RUNNING: RowState.WAITING,
}
_OF_PERSON = {
    Status.OPEN: RowState.TO_LOOK,
    Status.DONE: RowState.ACCEPTED,
    Status.LOCKED: RowState.ACCEPTED,
    Status.FLAGGED: RowState.FLAGGED,
    Status.SKIPPED: RowState.PASSED,
}
_TROUBLE = (SkipKind.REFUSED, SkipKind.GONE)
_TURN = {CaseStatus.DONE: 0, CaseStatus.FAILED: 1, CaseStatus.RUNNING: 3, CaseStatus.PENDING: 4, CaseStatus.SKIPPED: 5}
_TURN_OF_TROUBLE = 2


@dataclass(frozen=True)
class RunRow:
    """One case of a run.

    Parameters
    ----------
    ref : FileRef
        Its image.
    triage : TriageRow or None
        How doubtful its answer is; None where that was not told.
    picture : Path or None
        Its thumbnail, made by the run.
    review : Status
        What a person said about the image in the project that is worked in.
    """

    record: CaseRecord
    ref: FileRef
    triage: TriageRow | None = None
    picture: Path | None = None
    review: Status = Status.OPEN

    @cached_property
    def state(self) -> RowState:
        """Where it stands; what a person said counts more than how the run ended."""
        if self.review is not Status.OPEN:
            return _OF_PERSON[self.review]
        if is_refused(self.record):
            return RowState.REFUSED
        return _OF_RUN.get(self.record.status, RowState.TO_LOOK)

    @cached_property
    def size(self) -> tuple[str, float]:
        """What answers are sorted by: class, then score; or how much was found. Kept, as 10,000 of them take 0.2 s."""
        return _size(self.record)

    @property
    def is_trouble(self) -> bool:
        """Whether there should be an answer, and is none."""
        return self.state in (RowState.FAILED, RowState.REFUSED)

    @property
    def sentence(self) -> str:
        """Why it failed, was not run, or is doubtful."""
        return self.record.reason or ("" if self.triage is None else self.triage.sentence)


def worst_first(rows: Iterable[RunRow]) -> tuple[RunRow, ...]:
    """Sort rows: the doubtful answers first, then what failed, what waits, and what was not run."""
    return tuple(sorted(rows, key=lambda row: (_turn(row.record), _rank(row))))


def is_refused(record: CaseRecord) -> bool:
    """Whether a file should have been an image, and could not be opened."""
    return record.status is CaseStatus.SKIPPED and record.skipped_as in _TROUBLE


def _turn(record: CaseRecord) -> int:
    return _TURN_OF_TROUBLE if is_refused(record) else _TURN[record.status]


def _rank(row: RunRow) -> float:
    return math.inf if row.triage is None else row.triage.rank


def classes_of(record: CaseRecord) -> tuple[str, ...]:
    """Name the classes that the model found or decided for.

    >>> from napari_medclf.domain.run import CaseRecord, CaseStatus
    >>> values = {"volume_ml:liver": 1400.0, "volume_ml:spleen": 0.0}
    >>> classes_of(CaseRecord(case_id="7", source="7.nii", status=CaseStatus.DONE, values=values))
    ('liver',)
    """
    values = record.values
    if "top_class" in values:
        decided = str(values.get("decided") or "")
        return tuple(part for part in decided.split("; ") if part)
    found = (name.partition(":") for name, value in values.items() if _is_more_than_none(value))
    return tuple(dict.fromkeys(rest for head, colon, rest in found if colon and head in _SIZES))


def answer_lines(record: CaseRecord) -> tuple[str, ...]:
    """Write what the model said in at most two short lines.

    >>> from napari_medclf.domain.run import CaseRecord, CaseStatus
    >>> values = {"top_class": "pneumonia", "score:normal": 0.2, "score:pneumonia": 0.8}
    >>> answer_lines(CaseRecord(case_id="7", source="7.png", status=CaseStatus.DONE, values=values))
    ('pneumonia 80.0 %',)
    """
    if record.status is not CaseStatus.DONE:
        return ()
    values = record.values
    if "top_class" in values:
        score = values.get(f"score:{values['top_class']}")
        return (f"{values['top_class']} {100 * score:.1f} %" if isinstance(score, float) else str(values["top_class"]),)
    sizes = [(name.partition(":"), value) for name, value in values.items() if _is_number(value)]
    said = [
        f"{rest} {_short(value)} {_SIZES.get(head, '')}".rstrip()
        for (head, colon, rest), value in sizes
        if colon and (head == "value" or (head in _SIZES and value > 0))
    ]
    if not said and any(head in _SIZES for (head, colon, _), _ in sizes if colon):
        return ("nothing found",)
    more = len(said) - _MOST_LINES
    return tuple(said) if more <= 0 else (*said[: _MOST_LINES - 1], f"{said[_MOST_LINES - 1]}, +{more}")


@dataclass(frozen=True)
class RowFilter:
    """Which rows are shown; an empty field asks nothing."""

    words: str = ""
    state: RowState | None = None
    class_name: str = ""

    def picked(self, rows: Iterable[RunRow]) -> tuple[RunRow, ...]:
        """Keep the rows that fit, in their order."""
        words = self.words.casefold().split()
        if not words and self.state is None and not self.class_name:
            return tuple(rows)
        return tuple(row for row in rows if self._fits(row, words))

    def _fits(self, row: RunRow, words: Sequence[str]) -> bool:
        if self.state is not None and row.state is not self.state:
            return False
        if self.class_name and self.class_name not in classes_of(row.record):
            return False
        return all(word in row.record.case_id.casefold() for word in words)


class Column(StrEnum):
    """What the table tells of a case."""

    CASE = "case"
    ANSWER = "answer"
    DOUBT = "doubt"


def in_order(rows: Sequence[RunRow], column: Column | None, *, is_descending: bool) -> tuple[RunRow, ...]:
    """Sort rows by a column; by none they stay as they are, which is the worst first."""
    if column is None:
        return tuple(rows)
    if column is Column.CASE:
        return tuple(sorted(rows, key=lambda row: row.record.case_id.casefold(), reverse=is_descending))
    if column is Column.ANSWER:
        answered = [row for row in rows if row.record.status is CaseStatus.DONE]
        others = [row for row in rows if row.record.status is not CaseStatus.DONE]
        return (*sorted(answered, key=lambda row: row.size, reverse=is_descending), *others)
    ordered = worst_first(rows)
    if is_descending:
        return ordered
    n_done = sum(row.record.status is CaseStatus.DONE for row in ordered)
    return (*reversed(ordered[:n_done]), *ordered[n_done:])


def states_text(rows: Iterable[RunRow]) -> dict[RowState, int]:
    """Count the rows of each state, in the order in which they are told."""
    counts = Counter(row.state for row in rows)
    return {state: counts[state] for state in RowState if counts[state]}


def _size(record: CaseRecord) -> tuple[str, float]:
    top = str(record.values.get("top_class", ""))
    if top:
        return top, _as_float(record.values.get(f"score:{top}"))
    sizes = (value for name, value in record.values.items() if name.partition(":")[0] in (*_SIZES, "value"))
    return "", sum(_as_float(value) for value in sizes)


def _short(value: float) -> str:
    """Write a number with three digits, as there is little room; the results hold all."""
    if abs(value) >= 1000 or value == int(value):
        return number_text(round(value))
    return f"{value:#.3g}".rstrip(".")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_more_than_none(value: object) -> bool:
    return _is_number(value) and _as_float(value) > 0


def _as_float(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
