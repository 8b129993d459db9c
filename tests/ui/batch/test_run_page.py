"""Planning a run and running it from the window, and going on with one that was stopped."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from napari_medclf.domain.dataset import FileRef
from napari_medclf.domain.run import CaseRecord, CaseStatus
from napari_medclf.domain.series_rule import FolderRule
from napari_medclf.jobs.batch.planned import BatchPlan, PlannedCase
from napari_medclf.ui.batch.plan_view import PlanView
from napari_medclf.ui.batch.rows import RowState


@pytest.fixture
def panel(workbench, pictures, tmp_path, threshold_card, install_threshold, monkeypatch):
    """The batch tab, filled in, with a model that thresholds and a text among the pictures."""
    (pictures / "notes.txt").write_text("not an image")
    package = install_threshold(threshold_card())
    monkeypatch.setattr("napari_medclf.jobs.models.find_model", lambda name: package)
    workbench.show_tab("Batch")
    workbench.batch.model.choose(package.name)
    workbench.batch.form.show_values({"folder": pictures, "out": tmp_path / "results", "device": "cpu"})
    return workbench.batch


def test_plan_says_what_runs_and_what_not_and_writes_nothing(panel, workbench, tmp_path, person, until) -> None:
    person.click(panel.dry_run)
    until(lambda: panel.run_page.plan_view.isVisible(), 60)
    view = panel.run_page.plan_view
    statuses = [row.record.status for row in view.table.lines.rows]
    assert statuses == [CaseStatus.PENDING] * 4 + [CaseStatus.SKIPPED]
    assert view.head.text().startswith("4 cases to run")
    assert "1 will not be run" in view.head.text()
    view.states.setCurrentIndex(view.states.findData("will not be run"))
    (row,) = view.table.lines.rows
    assert "text" in row.record.reason
    assert not (tmp_path / "results").exists()


def test_plan_marks_what_looks_odd_for_the_model(qtbot) -> None:
    pending, skipped = CaseStatus.PENDING, CaseStatus.SKIPPED
    records = [
        CaseRecord(case_id=name, source=name, status=status)
        for name, status in (("a", pending), ("b", pending), ("c", skipped))
    ]
    odd = "The image has one slice, and the model looks at volumes."
    rows = tuple(PlannedCase(one, FileRef(Path(one.source)), notes=(odd,) * (one.case_id != "a")) for one in records)
    view = PlanView()
    qtbot.addWidget(view)
    view.show_plan(BatchPlan(Path("in"), "brain", "1.0", FolderRule(), rows))
    assert view.head.text() == "2 cases to run. 1 of them looks odd for this model. 1 will not be run."
    view.states.setCurrentIndex(view.states.findData("will be run, but looks odd"))
    (row,) = view.table.lines.rows
    assert row.record.case_id == "b"
    assert view.table.lines.index(0, 0).data() == f"⚠ b\n{odd}"


def test_a_folder_must_be_chosen_before_a_plan(panel, workbench, person) -> None:
    panel.form.show_values({"folder": ""})
    person.click(panel.dry_run)
    assert not workbench.bar.is_running


def test_run_fills_the_table_and_is_gone_on_with(panel, workbench, pictures, tmp_path, person, until) -> None:
    person.click(panel.start)
    until(lambda: not workbench.bar.is_running, 60)
    page = panel.triage
    assert page.isVisible()
    until(lambda: page.seen is not None and page.seen.ended == "completed")
    assert [row.state for row in page.table.lines.rows] == [RowState.TO_LOOK] * 4 + [RowState.NOT_RUN]
    assert panel.message.text().startswith("4 done, 1 not run")

    panel.pages.setCurrentIndex(0)
    until(lambda: panel.start.text() == "Go on with the run")
    until(lambda: "holds a run of bright-segment-2d 1.0: 4 done, 1 not run" in panel.run_page.found.text())
    (tmp_path / "results" / "cases" / "disc-2" / "segmentation.png").unlink()
    person.click(panel.start)
    until(lambda: not workbench.bar.is_running, 60)
    assert (tmp_path / "results" / "cases" / "disc-2" / "segmentation.png").is_file()
    record = json.loads((tmp_path / "results" / "run.json").read_text())
    assert [one["status"] for one in record["cases"]].count("done") == 4

    panel.form.show_values({"folder": tmp_path})  # what the form says now does not count
    (tmp_path / "results" / "cases" / "disc-1" / "segmentation.png").unlink()
    assert panel.run_page.go_on(page.seen.spec, tmp_path / "results")
    until(lambda: not workbench.bar.is_running, 60)
    assert (tmp_path / "results" / "cases" / "disc-1" / "segmentation.png").is_file()
    assert panel.message.text().startswith("4 done, 1 not run")
