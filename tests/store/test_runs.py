"""Runs: resumed by checksum, tables that are safe to open."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from napari_medclf.domain.errors import OptionError
from napari_medclf.domain.events import FinishReason
from napari_medclf.domain.run import CaseRecord, RunRecord, RunSpec
from napari_medclf.store.results_csv import results_csv
from napari_medclf.store.runs import RunFolder


@pytest.fixture
def spec() -> RunSpec:
    return RunSpec(command="batch", options={"model": "nuclei"})


def _do(run: RunFolder, name: str, content: bytes = b"labels") -> CaseRecord:
    path = run.case_folder(name) / "segmentation.png"
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    case = CaseRecord(case_id=name, source=f"in/{name}.png", status="done", outputs=run.digests([path]))
    run.record(case)
    return case


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


def test_finished_cases_are_known_after_a_kill(tmp_path: Path, spec: RunSpec) -> None:
    case = _do(RunFolder.start(tmp_path / "out", spec), "a")
    with (tmp_path / "out" / "ledger.jsonl").open("ab") as ledger:
        ledger.write(b'{"kind": "case", "case": {"case_id": "b", "sou')  # killed while writing
    again = RunFolder.start(tmp_path / "out", spec, resume=True)
    assert again.finished() == {"in/a.png": case}
    later = _do(again, "b")
    assert again.finished() == {"in/a.png": case, "in/b.png": later}


@pytest.mark.parametrize("damage", [lambda path: path.write_bytes(b"lab"), lambda path: path.unlink()])
def test_case_with_damaged_output_is_done_again(tmp_path: Path, spec: RunSpec, damage: object) -> None:
    run = RunFolder.start(tmp_path / "out", spec)
    _do(run, "a")
    damage(run.case_folder("a") / "segmentation.png")  # type: ignore[operator]  # a function of the list above
    assert run.finished() == {}


def test_failed_cases_are_done_again(tmp_path: Path, spec: RunSpec) -> None:
    run = RunFolder.start(tmp_path / "out", spec)
    run.record(CaseRecord(case_id="a", source="a.png", status="failed", reason="It is cut short."))
    assert run.finished() == {}
    assert run.records()["a.png"].reason == "It is cut short."


def test_earlier_run_is_not_mixed_with_another(tmp_path: Path, spec: RunSpec) -> None:
    RunFolder.start(tmp_path, spec, weights_sha256="1" * 64)
    with pytest.raises(OptionError, match=r"holds a run already\. Say --resume"):
        RunFolder.start(tmp_path, spec, weights_sha256="1" * 64)
    with pytest.raises(OptionError, match="by another model"):
        RunFolder.start(tmp_path, spec, weights_sha256="2" * 64, resume=True)
    with pytest.raises(OptionError, match="by another command"):
        RunFolder.start(tmp_path, spec.model_copy(update={"command": "predict"}), resume=True)


def test_record_comes_back_from_disk(tmp_path: Path, spec: RunSpec) -> None:
    run = RunFolder.start(tmp_path, spec)
    record = _record(spec, _do(run, "a"))
    run.finish(record)
    assert RunFolder.read(tmp_path) == record
    assert RunFolder.read(tmp_path / "run.json") == record


def test_damaged_record_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text('{"spec": 1}')
    with pytest.raises(OptionError, match=r"run\.json: is no run record \(spec"):
        RunFolder.read(tmp_path)
    with pytest.raises(OptionError, match="cannot be read"):
        RunFolder.read(tmp_path / "nowhere.json")


def test_table_has_a_row_a_case_and_a_column_a_score(spec: RunSpec) -> None:
    done = CaseRecord(
        case_id="a",
        source="in/a.png",
        status="done",
        elapsed_s=1.23456,
        values={"volume_ml": 2.5, "top_class": "ill", "score:ill": 0.75, "score:well": 0.25},
    )
    failed = CaseRecord(case_id="b", source="in/b.png", status="failed", reason="It is empty.")
    rows = list(csv.DictReader(results_csv(_record(spec, done, failed)).splitlines()))
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
    (row,) = csv.DictReader(io.StringIO(results_csv(_record(spec, case)), newline=""))
    assert [row[key] for key in ("case_id", "source", "top_class")] == ["'" + name.replace("\r", " ")] * 3
    assert row["change"] == "-1.5"


def test_odd_case_names_stay_inside_the_run(tmp_path: Path, spec: RunSpec) -> None:
    run = RunFolder.start(tmp_path / "out", spec)
    assert run.case_folder("../../evil").parent == tmp_path / "out" / "cases"
