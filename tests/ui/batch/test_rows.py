"""Rows of a run without a window: order, states, filters, words."""

from __future__ import annotations

from pathlib import Path

import pytest

from napari_medclf.domain.annotation import Status
from napari_medclf.domain.dataset import FileRef
from napari_medclf.domain.run import CaseRecord, CaseStatus, SkipKind
from napari_medclf.domain.triage import TriageRow
from napari_medclf.ui.batch.rows import (
    Column,
    RowFilter,
    RowState,
    RunRow,
    answer_lines,
    classes_of,
    in_order,
    worst_first,
)


def row(name, status=CaseStatus.DONE, *, rank=None, review=Status.OPEN, skipped_as=None, **values) -> RunRow:
    record = CaseRecord(case_id=name, source=f"{name}.png", status=status, values=values, skipped_as=skipped_as)
    triage = None if rank is None else TriageRow(name, rank, 1 / rank, {}, "unlike the others")
    return RunRow(record, FileRef(Path(f"{name}.png")), triage, review=review)


@pytest.fixture
def rows() -> tuple[RunRow, ...]:
    return (
        row("left-out", CaseStatus.SKIPPED, skipped_as=SkipKind.RULE),
        row("waits", CaseStatus.PENDING),
        row("broken", CaseStatus.SKIPPED, skipped_as=SkipKind.REFUSED),
        row("fell", CaseStatus.FAILED),
        row("sure", rank=2, top_class="normal", decided="normal"),
        row("odd", rank=1, top_class="pneumonia", decided="pneumonia"),
    )


def test_doubt_comes_first_then_trouble_then_what_waits(rows) -> None:
    ordered = worst_first(rows)
    assert [one.record.case_id for one in ordered] == ["odd", "sure", "fell", "broken", "waits", "left-out"]
    assert [one.state for one in ordered[2:]] == [
        RowState.FAILED, RowState.REFUSED, RowState.WAITING, RowState.NOT_RUN,
    ]  # fmt: skip


def test_least_doubtful_first_leaves_trouble_behind(rows) -> None:
    ordered = in_order(worst_first(rows), Column.DOUBT, is_descending=False)
    assert [one.record.case_id for one in ordered[:3]] == ["sure", "odd", "fell"]


def test_what_a_person_said_counts_more_than_how_the_run_ended() -> None:
    assert row("a", CaseStatus.FAILED, review=Status.DONE).state is RowState.ACCEPTED
    assert row("a", review=Status.FLAGGED).state is RowState.FLAGGED


def test_filters_ask_for_class_state_and_all_words(rows) -> None:
    def names(asked: RowFilter) -> list[str]:
        return [one.record.case_id for one in asked.picked(rows)]

    assert names(RowFilter(class_name="pneumonia")) == ["odd"]
    assert names(RowFilter(state=RowState.REFUSED)) == ["broken"]
    assert names(RowFilter("OUT left")) == ["left-out"]


@pytest.mark.parametrize(
    ("values", "lines", "classes"),
    [
        ({"volume_ml:liver": 1402.6, "volume_ml:spleen": 0.0}, ("liver 1,403 mL",), ("liver",)),
        ({"area_mm2:disc": 0.0}, ("nothing found",), ()),
        ({"n_boxes:nodule": 3, "n_boxes:mass": 0}, ("nodule 3",), ("nodule",)),
        ({"value:age": 61.25}, ("age 61.2",), ()),
        ({"volume_ml:a": 1.5, "volume_ml:b": 2.0, "volume_ml:c": 3.0}, ("a 1.50 mL", "b 2 mL, +1"), ("a", "b", "c")),
    ],
)
def test_answers_in_words(values, lines, classes) -> None:
    record = CaseRecord(case_id="7", source="7", status=CaseStatus.DONE, values=values)
    assert answer_lines(record) == lines
    assert classes_of(record) == classes
