"""A run's folder: begun once, gone on with, its results made from the ledger."""

import shutil

import pytest

from napari_medclf.domain.errors import OptionError, OutputsLost
from napari_medclf.domain.events import FinishReason
from napari_medclf.domain.run import CaseRecord
from napari_medclf.store.runs import RunFolder


def test_earlier_run_is_not_mixed_with_another(lead, run):
    lead().close()
    with pytest.raises(OptionError, match=r"holds a run already\. Say --resume"):
        lead()
    with pytest.raises(OptionError, match=r"by another command \(batch\)"):
        lead(resume=True, spec=run.spec.model_copy(update={"command": "predict"}))


def test_run_of_another_model_is_gone_on_with(lead, do):
    first = lead()
    case = do(first, "a")
    first.close()
    again = lead(resume=True, answered_by="n" * 64)
    assert again.folder.is_kept(case, "i" * 64, "m" * 64)
    assert not again.folder.is_kept(case, "i" * 64, "n" * 64)
    assert not again.folder.is_kept(case, "j" * 64, "m" * 64)


@pytest.mark.parametrize("damage", [lambda path: path.write_bytes(b"lab"), lambda path: path.unlink()])
def test_case_with_damaged_output_is_done_again(lead, do, damage):
    leader = lead()
    case = do(leader, "a")
    assert leader.folder.finished() == {case.source: case}
    damage(leader.folder.case_folder("a") / "segmentation.png")
    assert leader.folder.finished() == {}
    assert not leader.folder.is_kept(case, "i" * 64, "m" * 64)


def test_results_are_made_from_the_ledger(lead, do, tmp_path):
    leader = lead()
    leader.plan([CaseRecord(case_id=name, source=f"in/{name}.png", status="pending") for name in "cab"])
    do(leader, "a")
    do(leader, "c")
    leader.begin("b", "in/b.png")
    record = leader.finish(FinishReason.CANCELED, "Canceled.")
    assert [(case.case_id, case.status) for case in record.cases] == [("c", "done"), ("a", "done"), ("b", "pending")]
    assert RunFolder.read(tmp_path / "out") == record == leader.folder.record()
    assert RunFolder.read(tmp_path / "out" / "run.json") == record
    assert (tmp_path / "out" / "results.csv").read_text().splitlines()[3].startswith("b,in/b.png,pending,")


def test_files_of_an_earlier_answer_do_not_outlive_the_next(lead, do, enter, tmp_path):
    first = lead()
    names = "abcd"
    first.plan([CaseRecord(case_id=name, source=f"in/{name}.png", status="pending") for name in names])
    kept = [do(first, name) for name in names]
    first.close()
    by_hand = tmp_path / "out" / "cases" / "b" / "corrected.png"
    by_hand.touch()
    again = lead(resume=True)
    again.plan([kept[0], *(CaseRecord(case_id=name, source=f"in/{name}.png", status="pending") for name in "bc")])
    again.begin("b", "in/b.png")
    enter(again, "b", status="failed", reason="It is cut short.")
    record = again.finish(FinishReason.CANCELED)
    files = sorted(path.relative_to(tmp_path / "out" / "cases").as_posix() for path in tmp_path.rglob("cases/*/*"))
    assert files == ["a/segmentation.png", "b/corrected.png", "c/segmentation.png", "d/segmentation.png"]
    assert [bool(case.outputs) for case in record.cases] == [True, False, True, True]
    assert [case.status for case in record.cases] == ["done", "failed", "pending", "skipped"]


def test_record_of_no_case_is_read_back(lead, tmp_path):
    record = lead().finish(FinishReason.COMPLETED)
    assert RunFolder.read(tmp_path / "out") == record
    assert record.cases == ()


def test_traits_stay_in_the_ledger(lead, enter, tmp_path):
    leader = lead()
    enter(leader, "a", traits={"volume_ml": 2.5}, doubts={"entropy": 0.5})
    (case,) = leader.finish(FinishReason.COMPLETED).cases
    assert (case.traits, case.doubts) == ({}, {"entropy": 0.5})
    assert "volume_ml" not in (tmp_path / "out" / "run.json").read_text()
    assert leader.folder.record().cases[0].traits == {"volume_ml": 2.5}


def test_record_of_a_killed_run_says_that_it_did_not_end(lead, do, tmp_path):
    do(lead(), "a")
    shutil.copytree(tmp_path / "out", tmp_path / "killed")
    record = RunFolder(tmp_path / "killed").record()
    assert record.finish_reason is FinishReason.CANCELED
    assert "killed" in record.message
    assert [case.case_id for case in record.cases] == ["a"]


def test_damaged_record_is_one_sentence(tmp_path):
    (tmp_path / "run.json").write_text('{"spec": 1}')
    with pytest.raises(OptionError, match=r"run\.json: is no run record \(spec"):
        RunFolder.read(tmp_path)
    with pytest.raises(OptionError, match="cannot be read"):
        RunFolder.read(tmp_path / "nowhere.json")


def test_run_of_an_older_version_is_left_alone(lead, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "ledger.jsonl").touch()
    with pytest.raises(OptionError, match="older version"):
        lead()


def test_odd_case_names_stay_inside_the_run(lead, tmp_path):
    run = RunFolder(tmp_path / "out")
    assert run.case_folder("..").parent == tmp_path / "out" / "cases"
    assert run.case_folder("../../evil").is_relative_to(tmp_path / "out" / "cases")
    assert ".." not in run.case_folder("../../evil").parts
    assert run.case_folder("a/b") == tmp_path / "out" / "cases" / "a" / "b"


def test_folder_that_is_gone_is_not_made_again(lead, do, tmp_path):
    leader = lead()
    do(leader, "a")
    shutil.rmtree(tmp_path / "out")
    with pytest.raises(OutputsLost, match="is gone"):
        do(leader, "b")
    assert not (tmp_path / "out").exists()
