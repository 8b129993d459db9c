"""Looking at the answers of a run: the doubtful ones first, opened, accepted, flagged, while it goes on or after."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtGui import QDesktopServices
from qtpy.QtTest import QTest

from napari_medclf.domain.annotation import Origin, Status
from napari_medclf.domain.run import CaseStatus
from napari_medclf.store.project import Project
from napari_medclf.ui.batch.rows import RowState


@pytest.fixture
def page(workbench, results, until):
    """The page in front, with the run of the pictures."""
    workbench.show_tab("Batch")
    workbench.batch.show_triage()
    page = workbench.batch.triage
    page.open_run(results)
    until(lambda: page.seen is not None)
    return page


def names(page) -> list[str]:
    return [row.record.case_id for row in page.table.lines.rows]


def test_doubtful_answers_come_first_and_states_classes_and_words_choose(page) -> None:
    assert names(page)[0] == "disc-2"  # nothing was found on it
    assert names(page)[3:] == ["disc-3", "notes.txt"]
    assert page.head.text() == "bright-segment-2d 1.0 · 3 done, 1 failed, 1 not run"
    texts = [page.choice.states.itemText(number) for number in range(page.choice.states.count())]
    assert texts == ["all cases (5)", "○  to look at (3)", "✗  failed (1)", "⊘  not run (1)"]
    assert not page.go_on.isVisible()

    page.choice.states.setCurrentIndex(page.choice.states.findData(RowState.FAILED))
    assert names(page) == ["disc-3"]
    page.table.choose("disc-3")
    assert page.detail.text() == "disc-3: the file ends too early"
    page.choice.states.setCurrentIndex(0)
    page.choice.classes.setCurrentIndex(page.choice.classes.findData("bright"))
    assert set(names(page)) == {"disc-0", "disc-1"}
    page.choice.classes.setCurrentIndex(0)
    page.choice.words.setText("DISC 1")
    assert names(page) == ["disc-1"]


def test_a_click_on_a_column_sorts_by_it_then_the_other_way_then_the_worst_first(page) -> None:
    header, worst_first = page.table.horizontalHeader(), names(page)

    def click_on(section: int) -> str:
        place = QPoint(header.sectionViewportPosition(section) + 12, header.height() // 2)
        QTest.mouseClick(header.viewport(), Qt.MouseButton.LeftButton, pos=place)
        return str(page.table.lines.headerData(section, Qt.Orientation.Horizontal)).strip()

    assert page.table.chosen.record.case_id == worst_first[0]  # nobody chose one yet
    assert click_on(0) == "case ▴"
    assert names(page) == sorted(worst_first)
    assert click_on(0) == "case ▾"
    assert names(page) == sorted(worst_first, reverse=True)
    assert click_on(1) == "answer ▾"
    assert names(page)[2] == "disc-2"  # of what was answered
    assert [click_on(1), click_on(1)] == ["answer ▴", "answer"]
    assert names(page) == worst_first
    assert page.table.chosen.record.case_id == worst_first[0]


def test_correct_opens_the_case_where_it_is_corrected_and_the_report_opens_in_the_browser(
    page, workbench, results, until, monkeypatch
) -> None:
    opened = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: not opened.append(url.toLocalFile()))
    QTest.mouseClick(page.report, Qt.MouseButton.LeftButton)
    until(lambda: opened)
    assert opened == [str(results / "report.html")]
    assert "bright-segment-2d on 5 cases" in (results / "report.html").read_text()
    page.table.choose("disc-1")
    QTest.mouseClick(page.correct, Qt.MouseButton.LeftButton)
    until(lambda: workbench.session.labels_layer is not None and not workbench.session.lane.is_busy)
    assert page.opener.opened == "disc-1"
    assert workbench.correct.isVisible()
    assert not page.isVisible()


def test_return_opens_a_case_and_n_accepts_it_into_the_project(page, workbench, results, until) -> None:
    session = workbench.session
    page.table.choose("disc-1")
    page.table.setFocus()
    QTest.keyClick(page.table, Qt.Key.Key_Return)
    until(lambda: session.answer is not None and not session.lane.is_busy)
    assert session.image.name.startswith("disc-1")
    labels = session.labels_layer
    assert np.array_equal(np.squeeze(labels.data) == 1, np.squeeze(session.image.data) > 128)
    assert session.answer.card.name == "bright-segment-2d"
    assert page.opener.opened == "disc-1"

    page.table.choose("disc-2")
    assert not page.accept.isEnabled()  # it is not the one that is open
    QTest.keyClick(page.table, Qt.Key.Key_N)
    assert not session.lane.is_busy
    QTest.keyClick(page.table, Qt.Key.Key_Return)
    until(lambda: page.opener.opened == "disc-2" and not session.lane.is_busy)
    order = names(page)
    QTest.keyClick(page.table, Qt.Key.Key_N)
    until(lambda: page.opener.opened == order[1] and not session.lane.is_busy)
    assert page.table.chosen.record.case_id == order[1]
    (case,) = Project.open(session.project_folder(session.answer.prediction)).cases()
    assert case.status is Status.DONE
    assert case.answer.annotation.origin is Origin.ACCEPTED
    assert page.table.lines.rows[0].state is RowState.ACCEPTED

    QTest.keyClick(page.table, Qt.Key.Key_X)
    until(lambda: page.table.lines.rows[1].state is RowState.FLAGGED and not session.lane.is_busy)
    assert page.opener.opened == order[1]  # it stays open

    page.seen = None  # and it is known when the run is opened again
    page.open_run(results)
    until(lambda: page.seen is not None)
    assert [row.state for row in page.table.lines.rows[:2]] == [RowState.ACCEPTED, RowState.FLAGGED]


def test_what_is_still_seen_is_not_answered_for_where_a_case_cannot_be_opened(
    page, workbench, pictures, person, until
) -> None:
    session = workbench.session
    page.open_row(names(page).index("disc-1"))
    until(lambda: session.answer is not None and not session.lane.is_busy)
    folder = session.project_folder(session.answer.prediction)
    (pictures / "disc-3.png").write_bytes(b"broken since")
    page.table.choose("disc-3")
    page.table.setFocus()
    QTest.keyClick(page.table, Qt.Key.Key_Return)
    until(lambda: session.missing == "disc-3")
    assert session.image.name.startswith("disc-1")  # still seen
    assert page.opener.opened == ""
    assert not page.accept.isEnabled()
    person.press(Qt.Key.Key_X)
    assert not session.lane.is_busy
    person.press(Qt.Key.Key_N)  # goes on, and saves nothing
    until(lambda: page.opener.opened not in ("", "disc-3") and not session.lane.is_busy)
    assert not session.missing
    assert not Project.is_project(folder)


def test_a_correction_goes_into_the_project(page, workbench, until) -> None:
    session = workbench.session
    page.open_row(names(page).index("disc-0"))
    until(lambda: session.answer is not None and not session.lane.is_busy)
    labels = session.labels_layer
    labels.data_setitem(tuple(np.array([[0], [0], [0]])[-labels.ndim :]), 1)
    page.accept.click()
    folder = session.project_folder(session.answer.prediction)
    until(lambda: Project.is_project(folder) and Project.open(folder).cases())
    until(lambda: not session.lane.is_busy)
    (case,) = Project.open(folder).cases()
    assert case.answer.annotation.origin is Origin.CORRECTED
    assert case.answer.annotation.n_edited_vox == 1


def test_page_follows_a_run_that_somebody_else_leads(workbench, begin_run, pictures, answer_picture, until) -> None:
    leader = begin_run()
    workbench.show_tab("Batch")
    page = workbench.batch.triage
    workbench.batch.show_triage()
    page.open_run(leader.folder)
    until(lambda: page.seen is not None)
    assert page.seen.is_led
    assert page.head.text().endswith("1 not run, 4 to go · running")
    first = sorted(pictures.glob("*.png"))[0]
    leader.enter(answer_picture(first, leader.folder))
    until(lambda: page.seen.counts[CaseStatus.DONE] == 1)
    assert names(page)[0] == first.stem
    leader.close()  # as after a kill: nothing says how it ended
    until(lambda: page.go_on.isVisible())
    assert "ended before it was through" in page.head.text()
    wanted = []
    page.go_on_wanted.disconnect()
    page.go_on_wanted.connect(lambda spec, folder: wanted.append((spec.options["model"], folder)))
    page.go_on.click()
    assert wanted == [("bright-segment-2d", leader.folder)]
