"""`medclf batch --dry-run` says what will be run and what not; what is no image is no failure of a run."""

import numpy as np
import pytest
from PIL import Image

from napari_medclf.cli.plan_text import plan_lines, seconds_text
from napari_medclf.domain.dataset import FileRef
from napari_medclf.domain.run import CaseRecord, CaseStatus, SkipKind
from napari_medclf.domain.series_rule import FolderRule
from napari_medclf.jobs.batch.planned import BatchPlan, PlannedCase

MODEL = "chest-xray-pneumonia"


@pytest.fixture
def folder(tmp_path):
    """Two pictures, one of them again, and a table."""
    films = tmp_path / "films"
    films.mkdir()
    for number, name in enumerate(("a", "b", "b_again")):
        samples = np.random.default_rng(min(number, 1)).integers(0, 255, (40, 30), np.uint8)
        Image.fromarray(samples).save(films / f"{name}.png")
    (films / "labels.csv").write_text("a,b\n", encoding="utf-8")
    return films


def test_a_dry_run_tells_every_row_and_what_the_run_will_take(medclf, folder, tmp_path):
    out = tmp_path / "run"

    assert medclf("batch", MODEL, folder, "--out", out, "--device", "cpu", "--dry-run") == 0

    lines = medclf.out.splitlines()
    assert lines[0].split()[:2] == ["run", "a"]
    assert any(line.startswith("skip") and "same image as b.png" in line for line in lines)
    assert any(line.startswith("skip") and "is a table (.csv), not an image" in line for line in lines)
    assert f"2 to run with {MODEL} 1.0.0, 1 copies, 1 no images" in lines
    assert "Expected: about" in medclf.out
    assert "Expected memory of the largest case:" in medclf.out
    assert not out.exists()


def test_a_dry_run_is_a_document(medclf, folder, tmp_path):
    document = medclf.json("batch", MODEL, folder, "--out", tmp_path / "run", "--device", "cpu", "--dry-run")

    assert medclf.code == 0
    assert document["counts"] == {"pending": 2, "skipped": 2}
    first = document["cases"][0]
    assert (first["case_id"], first["status"], first["size"], first["n_files"]) == ("a", "pending", [1, 40, 30], 1)
    assert first["expected_s"] > 0
    assert first["expected_bytes"] > 0


def test_copies_and_tables_are_no_failure(medclf, folder, tmp_path):
    assert medclf("batch", MODEL, folder, "--out", tmp_path / "run", "--device", "cpu") == 0
    assert "2 done, 2 skipped" in medclf.out or "2 skipped, 2 done" in medclf.out


def test_a_dry_run_refuses_what_the_run_would_refuse(medclf, folder, tmp_path):
    arguments = ("batch", MODEL, folder, "--out", tmp_path / "run", "--dry-run")

    assert medclf(*arguments, "--format", "nifti") == 2
    assert medclf(*arguments, "--description", "(") == 2
    assert "no regular expression" in medclf.err


def test_a_rule_of_the_command_line_is_obeyed(medclf, folder, tmp_path):
    document = medclf.json(
        "batch", MODEL, folder, "--out", tmp_path / "run", "--exclude", "a.png,labels*", "--limit", "1", "--dry-run"
    )

    assert {row["case_id"]: row["reason"] for row in document["cases"] if row["status"] == "skipped"} == {
        "a.png": "left out by --exclude 'a.png'",
        "labels.csv": "is a table (.csv), not an image",
        "b_again": "same image as b.png, byte by byte",
    }


def test_a_plan_without_figures_is_told_without_them():
    record = CaseRecord(case_id="a", source="a.png", status=CaseStatus.PENDING)
    gone = CaseRecord(case_id="b", source="b.png", status=CaseStatus.SKIPPED, reason="gone", skipped_as=SkipKind.GONE)
    rows = tuple(PlannedCase(one, FileRef(one.source)) for one in (record, gone))

    lines = list(plan_lines(BatchPlan("films", MODEL, "1.0.0", FolderRule(), rows, notes=("No GPU is here.",))))

    assert lines == [
        "run      a",
        "skip     b  gone",
        f"1 to run with {MODEL} 1.0.0, 1 gone",
        "No GPU is here.",
        "Dry run: nothing was run or written.",
    ]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.0123, "0.012 s"), (59.4, "59 s"), (60, "1 min"), (3601, "1 h"), (90_000, "1 d 1 h"), (7322, "2 h 2 min")],
)
def test_times_are_told_in_two_units(seconds, text):
    assert seconds_text(seconds) == text
