"""The work list in the window: states, filter, order, lock, and a model that is asked."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from qtpy.QtCore import Qt

from napari_medclf.domain.annotation import Annotation, CaseState, Origin, Status
from napari_medclf.domain.card import Task
from napari_medclf.domain.dataset import FileRef
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.io.digest import with_digest
from napari_medclf.io.read import read_image
from napari_medclf.store.project import PredictionEntry, Project
from napari_medclf.ui.worklist.rows import cells


@pytest.fixture
def project(tmp_path):
    """Six pictures: one accepted, one flagged, all rated."""
    schema = LabelSchema.from_names(["dark", "bright"])
    project = Project.create(tmp_path / "study", name="study", task=Task.CLASSIFY, classes=schema)
    rng = np.random.default_rng(0)
    for number in range(6):
        path = tmp_path / "images" / f"scan_{number}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(rng.integers(0, 255, (40, 30), dtype=np.uint8)).save(path)
        image = with_digest(read_image(path))
        project.add_case(FileRef(path), image_digest=image.source.digest)
        doubt = {"entropy": [0.2, 0.9, 0.4, 0.8, 0.1, 0.6][number]}
        entry = PredictionEntry(case_id=f"scan_{number}", model="m", uncertainty=doubt, created="2026-11-21T10:00")
        project.save_prediction(entry, write_embedding=lambda path, n=number: np.save(path, np.float32([n, n % 2])))
    _say(project, "scan_0", Status.DONE, classes=("dark",), origin=Origin.ACCEPTED, active_s=12.0)
    _say(project, "scan_3", Status.FLAGGED)
    return project


def _say(project, case_id, status, *, origin=Origin.MANUAL, **more):
    case = project.case(case_id)
    said = Annotation(
        case_id=case_id,
        group_id=case.group_id,
        image_digest=case.image_digest,
        origin=origin,
        status=status,
        author="ann",
        created="2026-11-21T11:00",
        **more,
    )
    project.save_annotation(said)


@pytest.fixture
def panel(workbench, project, until):
    """The page, in front, with the project opened."""
    workbench.show_tab("Data")
    tab = workbench.data_tab
    tab.pages.setCurrentWidget(tab.worklist)
    workbench.session.open_path(project.folder)
    until(lambda: len(tab.worklist.table.lines.rows) == 6 and workbench.session.image is not None)
    until(lambda: not workbench.session.lane.is_busy)
    return tab.worklist


def _names(panel):
    return [row.case_id for row in panel.table.lines.rows]


def test_states_filter_and_order(panel, workbench, until):
    assert _names(panel) == ["scan_1", "scan_2", "scan_4", "scan_5", "scan_0", "scan_3"]
    texts = [panel.state.itemText(number) for number in range(panel.state.count())]
    assert any("predicted (4)" in text for text in texts)
    assert any("flagged (1)" in text for text in texts)
    assert panel.head.text() == "study: 6 cases, 4 wait for you"
    assert "12 s of your time" in panel.foot.text()

    panel.order.setCurrentIndex(1)
    until(lambda: _names(panel)[:4] == ["scan_1", "scan_5", "scan_2", "scan_4"])
    items = workbench.session.work.items
    assert [item.name for item in items][:4] == ["scan_1", "scan_5", "scan_2", "scan_4"], "N follows the list"

    panel.state.setCurrentIndex(panel.state.findData(CaseState.FLAGGED))
    assert _names(panel) == ["scan_3"]


def test_next_goes_on_in_the_order_of_the_list(panel, workbench, until, person):
    panel.order.setCurrentIndex(1)
    until(lambda: _names(panel)[:2] == ["scan_1", "scan_5"])
    until(lambda: not workbench.session.lane.is_busy)
    shown = workbench.session.image.name
    person.click(panel.next)
    until(lambda: workbench.session.image.name != shown and not workbench.session.lane.is_busy)
    assert workbench.session.image.name.startswith("scan_5")


def test_double_click_opens_a_case_and_lock_closes_it(panel, workbench, until, person, project):
    panel.open_row(_names(panel).index("scan_0"))
    until(lambda: workbench.session.image is not None and workbench.session.image.name.startswith("scan_0"))
    until(lambda: not workbench.session.lane.is_busy)
    panel.table.selectRow(_names(panel).index("scan_0"))
    assert panel.lock.isEnabled()
    person.click(panel.lock)
    until(lambda: project.case("scan_0").is_locked)
    until(lambda: any(row.state is CaseState.LOCKED for row in panel.table.lines.rows))
    panel.table.selectRow(_names(panel).index("scan_0"))
    assert panel.lock.text() == "Unlock"


def test_case_without_an_answer_is_not_offered_to_be_locked(panel):
    panel.table.selectRow(_names(panel).index("scan_1"))
    assert not panel.lock.isEnabled()


def test_rows_tell_what_is_known(panel):
    row = next(row for row in panel.table.lines.rows if row.case_id == "scan_0")
    assert cells(row, row.doubt) == ("✓  scan_0", "accepted", "0.200", "ann")
    tooltip = panel.table.lines.data(panel.table.lines.index(0, 0), Qt.ItemDataRole.ToolTipRole)
    assert "the model's doubt" in tooltip


def test_without_a_project_the_page_says_how_to_begin_one(workbench, until):
    workbench.show_tab("Data")
    workbench.data_tab.pages.setCurrentWidget(workbench.data_tab.worklist)
    until(lambda: not workbench.session.lane.is_busy)
    assert "There is no project yet" in workbench.data_tab.worklist.head.text()
