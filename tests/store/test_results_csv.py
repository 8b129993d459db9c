"""Results as tables that are safe to open."""

from __future__ import annotations

import csv
import io

import pytest

from napari_medclf.domain.events import FinishReason
from napari_medclf.domain.run import CaseRecord, RunRecord, RunSpec
from napari_medclf.store.results_csv import results_csv


@pytest.fixture
def spec() -> RunSpec:
    return RunSpec(command="batch", options={"model": "nuclei"})


def _record(spec: RunSpec, *cases: CaseRecord) -> RunRecord:
    return RunRecord(
        spec=spec,
        model="nuclei",
        model_version="1.0",
        finish_reason=FinishReason.COMPLETED,
        started="2026-11-21T10:00:00+00:00",
        elapsed_s=3.2,
        cases=cases,
    )


def _table(record: RunRecord) -> io.StringIO:
    return io.StringIO("".join(results_csv(record, lambda: record.cases)), newline="")


def test_table_has_a_row_a_case_and_a_column_a_score(spec: RunSpec) -> None:
    done = CaseRecord(
        case_id="a",
        source="in/a.png",
        status="done",
        elapsed_s=1.23456,
        values={"volume_ml": 2.5, "top_class": "ill", "score:ill": 0.75, "score:well": 0.25},
    )
    failed = CaseRecord(case_id="b", source="in/b.png", status="failed", reason="It is empty.")
    rows = list(csv.DictReader(_table(_record(spec, done, failed))))
    assert list(rows[0]) == [
        *("case_id", "source", "status", "reason", "model", "model_version", "top_class"),
        *("score:ill", "score:well", "volume_ml", "seconds"),
    ]
    assert rows[0]["top_class"] == "ill"
    assert rows[0]["score:ill"] == "0.75"
    assert rows[1] | {"seconds": ""} == dict.fromkeys(rows[0], "") | {
        "case_id": "b",
        "source": "in/b.png",
        "status": "failed",
        "reason": "It is empty.",
        "model": "nuclei",
        "model_version": "1.0",
    }


@pytest.mark.parametrize("name", ["=HYPERLINK(1)", "+cmd", "-2+3", "@SUM(1)", "\tx", "\rx", " =1"])
def test_formulas_in_names_stay_text(spec: RunSpec, name: str) -> None:
    case = CaseRecord(case_id=name, source=name, status="done", values={"top_class": name, "change": -1.5})
    (row,) = csv.DictReader(_table(_record(spec, case)))
    assert [row[key] for key in ("case_id", "source", "top_class")] == ["'" + name.replace("\r", " ")] * 3
    assert row["change"] == "-1.5"
