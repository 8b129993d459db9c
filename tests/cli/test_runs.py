"""`medclf runs show` tells how a run stands, whoever is at work on it."""

import shutil

import pytest

from napari_medclf.domain.run import CaseRecord, RunSpec
from napari_medclf.store.runs import LedgerRun, RunLeader


@pytest.fixture
def leader(tmp_path):
    run = LedgerRun(spec=RunSpec(command="batch", options={}), model="nuclei", model_version="1.2.0")
    leader = RunLeader.start(tmp_path / "out", run)
    leader.plan(CaseRecord(case_id=name, source=f"{name}.png", status="pending") for name in ("a", "b", "c"))
    leader.begin("a", "a.png")
    leader.enter(CaseRecord(case_id="a", source="a.png", status="failed", reason="It is cut short."))
    yield leader
    leader.close()


def test_run_that_goes_on_is_told(medclf, leader, tmp_path):
    document = medclf.json("runs", "show", tmp_path / "out", "--status", "failed")

    assert document["counts"] == {"failed": 1, "pending": 2}
    assert [(case["case_id"], case["reason"]) for case in document["cases"]] == [("a", "It is cut short.")]
    assert document["is_led"]
    assert document["run"]["model"] == "nuclei"


def test_killed_run_is_told_for_people(medclf, leader, tmp_path):
    shutil.copytree(tmp_path / "out", tmp_path / "killed")

    assert medclf("runs", "show", tmp_path / "killed") == 0

    assert "It is cut short." in medclf.out
    assert "1 failed, 2 pending. The run was killed. Go on with it with --resume." in medclf.out


def test_folder_without_a_run_is_2(medclf, tmp_path):
    assert medclf("runs", "show", tmp_path) == 2
    assert "holds no run" in medclf.err
