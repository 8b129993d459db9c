"""A batch in several processes."""

import csv
import shutil

import pytest

from napari_medclf.domain.events import CaseDone, FinishReason
from napari_medclf.jobs.api import run
from napari_medclf.jobs.batch.batch import BatchOptions, batch
from napari_medclf.jobs.drive import drive
from napari_medclf.store.runs import RunFolder


@pytest.fixture
def folder(vessels_folder, tmp_path):
    images = tmp_path / "in"
    shutil.copytree(vessels_folder / "images", images)
    (images / "cut.png").write_bytes((images / "eye_2.png").read_bytes()[:300])
    return images


@pytest.mark.slow
def test_processes_give_what_one_gives(vessel_model, folder, tmp_path):
    options = {"model": str(vessel_model.folder), "folder": folder, "device": "cpu"}

    one = run(batch(BatchOptions(out=tmp_path / "one", **options)))
    two = run(batch(BatchOptions(out=tmp_path / "two", workers=2, **options)))

    assert [(case.case_id, case.status, case.outputs) for case in one.cases] == [
        (case.case_id, case.status, case.outputs) for case in two.cases
    ]
    rows = list(csv.DictReader((tmp_path / "two" / "results.csv").open()))
    assert sum(row["status"] == "done" for row in rows) == 8


@pytest.mark.slow
def test_a_stop_ends_the_processes_and_keeps_the_rest(vessel_model, folder, tmp_path):
    options = BatchOptions(model=str(vessel_model.folder), folder=folder, out=tmp_path / "run", workers=2)
    done = []

    outcome = drive(
        batch(options),
        lambda event: done.append(event) if isinstance(event, CaseDone) else None,
        should_stop=lambda: bool(done),
    )

    assert outcome.reason is FinishReason.CANCELED
    assert len(RunFolder(tmp_path / "run").finished()) == 1
    assert RunFolder.read(tmp_path / "run").finish_reason is FinishReason.CANCELED
