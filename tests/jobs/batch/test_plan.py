"""The plan of a folder: all that is below it, what it will take, and nothing written."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from napari_medclf.domain.errors import OptionError, ReadError
from napari_medclf.domain.run import CaseStatus, SkipKind
from napari_medclf.jobs.api import run
from napari_medclf.jobs.batch.batch import batch
from napari_medclf.jobs.batch.options import BatchOptions
from napari_medclf.jobs.batch.plan import plan_batch
from napari_medclf.jobs.drive import drive


@pytest.fixture
def folder(vessels_folder, tmp_path):
    """Three good pictures and one of them again, what accompanies them, and what is hidden."""
    images = tmp_path / "study"
    (images / "left").mkdir(parents=True)
    (images / "old").mkdir()
    (images / ".cache").mkdir()
    for number, place in enumerate(("left/eye.png", "eye_1.png", "old/eye_2.png")):
        shutil.copy(vessels_folder / "images" / f"eye_{number}.png", images / place)
    shutil.copy(images / "eye_1.png", images / "zz_again.png")
    (images / "labels.csv").write_text("a,b\n", encoding="utf-8")
    (images / ".cache" / "x.png").write_bytes(b"hidden")
    (images / "eye.raw").write_bytes(bytes(100))
    return images


@pytest.fixture
def options(vessel_model, folder, tmp_path):
    return BatchOptions(model=str(vessel_model.folder), folder=folder, out=tmp_path / "run", device="cpu")


def _rows(plan):
    return {row.record.case_id: row for row in plan.rows}


def test_every_file_is_in_a_row_with_its_reason(options, folder):
    plan = run(plan_batch(options))

    rows = _rows(plan)
    assert {name for name, row in rows.items() if row.is_to_run} == {"left_eye", "eye_1", "old_eye_2"}
    reasons = {
        row.source.path.name: (row.record.skipped_as, row.record.reason) for row in plan.rows if not row.is_to_run
    }
    assert reasons == {
        "zz_again.png": (SkipKind.COPY, "same image as eye_1.png, byte by byte"),
        "labels.csv": (SkipKind.OTHER, "is a table (.csv), not an image"),
        ".cache": (SkipKind.OTHER, "is a hidden folder (its name begins with a dot)"),
        "eye.raw": (SkipKind.OTHER, "holds samples without a header; .hdr, .mhd, .nhdr was expected"),
    }
    assert not options.out.exists()


def test_time_and_memory_are_foreseen_before_and_after_a_first_run(options):
    before = run(plan_batch(options))
    record = run(batch(options))
    after = run(plan_batch(replace(options, out=options.out.with_name("other"))))

    assert "one window" in before.basis
    assert 0 < before.expected_s < 60
    assert all(row.expected_bytes > 48 * 48 for row in before.to_run)
    assert before.peak_bytes == max(row.expected_bytes for row in before.to_run) < before.free_bytes
    assert "3 cases of the last run" in after.basis
    took_s = sum(case.elapsed_s for case in record.cases if case.status is CaseStatus.DONE)
    assert sum(row.expected_s for row in after.to_run) == pytest.approx(took_s, rel=0.5)


def test_patterns_and_limit_are_told(options):
    plan = run(plan_batch(replace(options, exclude=("old",), include=("*.png",), limit=1)))

    rows = _rows(plan)
    assert [name for name, row in rows.items() if row.is_to_run] == ["eye_1"]
    kinds = {row.source.path.name: row.record.reason for row in plan.rows if row.record.skipped_as is SkipKind.RULE}
    assert kinds["old"] == "left out by --exclude 'old'"
    assert kinds["eye.png"] == "comes after the first 1 (--limit)"
    assert kinds["eye.raw"] == "matches no pattern of --include ('*.png')"


def test_a_rule_that_pictures_cannot_meet_leaves_them_out_by_name(options):
    wanted = replace(options, modality=("CT",))

    plan = run(plan_batch(wanted))

    assert plan.to_run == ()
    with pytest.raises(OptionError, match=r"none of its images is to be run.*--modality.*--dry-run"):
        run(batch(wanted))
    assert not options.out.exists()


def test_resume_plans_what_is_missing_or_changed(options, folder):
    run(batch(options))
    shutil.copy(folder / "left" / "eye.png", folder / "new.png")
    (folder / "left" / "eye.png").write_bytes((folder / "old" / "eye_2.png").read_bytes() + b"changed")

    plan = run(plan_batch(replace(options, resume=True)))

    rows = _rows(plan)
    assert {name for name, row in rows.items() if row.is_to_run} == {"left_eye", "new"}
    assert {name for name, row in rows.items() if row.record.status is CaseStatus.DONE} == {"eye_1", "old_eye_2"}


def test_results_of_other_runs_below_the_folder_are_not_images(options, folder):
    run(batch(replace(options, out=folder / "results")))

    plan = run(plan_batch(options))

    (row,) = [row for row in plan.rows if row.source.path == folder / "results"]
    assert (row.record.skipped_as, row.record.reason) == (SkipKind.RULE, "holds the results of a run")


def test_what_does_not_fit_the_model_is_noted(options, folder, shared_data):
    volume = next((shared_data / "hippocampus_msd" / "images").glob("*.nii.gz"))
    shutil.copy(volume, folder / "brain.nii.gz")

    plan = run(plan_batch(options))

    assert any("slices one by one" in note for note in _rows(plan)["brain"].notes)


def test_a_folder_of_what_is_not_wanted_says_so(options):
    with pytest.raises(ReadError, match="holds no image that is wanted"):
        run(plan_batch(replace(options, exclude=("*",))))


def test_a_plan_can_be_stopped(options):
    outcome = drive(plan_batch(options), should_stop=lambda: True)

    assert outcome.result is None
    assert not options.out.exists()


def test_a_rule_is_saved_with_the_run(options):
    record = run(batch(replace(options, exclude=("old",), min_slices=1)))

    assert record.spec.options["exclude"] == ["old"]
    assert record.spec.options["one_per_study"] == "all"
    assert record.spec.options["min_slices"] == 1


def test_a_document_of_a_plan_is_plain_json(options):
    from napari_medclf.jobs.json_text import json_text

    document = run(plan_batch(replace(options, max_slice_mm=2.0))).as_document()

    assert json_text(document)
    assert document["rule"]["max_slice_mm"] == 2.0
    assert Path(document["folder"]) == options.folder
