"""A person searches an archive, opens a series from it, and sends a result to it."""

from __future__ import annotations

import importlib.util
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from napari.utils.notifications import notification_manager
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest

from napari_medclf.domain.events import Progress
from napari_medclf.jobs import pacs
from napari_medclf.ui.panels.pacs import PacsPanel

_spec = importlib.util.spec_from_file_location(
    "web_archive", Path(__file__).parents[1] / "io" / "pacs" / "web_archive.py"
)
archive = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(archive)


@pytest.fixture
def server():
    with archive.web_archive() as address:
        yield address


@pytest.fixture
def panel(workbench, qtbot, server):
    panel = PacsPanel(workbench.session)
    qtbot.addWidget(panel)
    panel.resize(380, 700)
    panel.show()
    panel.server.set_text(server)
    return panel


@pytest.fixture
def ct(tmp_path):
    return archive.write_ct(tmp_path / "ct")


def texts(table):
    return [
        [table.item(row, column).text() for column in range(table.columnCount())] for row in range(table.rowCount())
    ]


def send(panel, person, until, ct):
    person.type_path(panel.files, ct)
    panel.verify.setChecked(True)
    person.click(panel.put)
    until(lambda: "3 of 3 are at" in panel.message.text())


def test_result_is_sent_found_fetched_and_opened(panel, person, until, ct, workbench):
    send(panel, person, until, ct)
    assert "Every element comes back as it was." in panel.message.text()

    person.click(panel.find)
    until(lambda: panel.series_table.rowCount() == 1)
    (study,) = texts(panel.study_table)
    assert study[0] == "2024-01-05"
    assert study[4] == "Thorax"
    assert texts(panel.series_table) == [["CT", "", "3", "Thorax 3.5"]]

    person.click(panel.get)
    until(lambda: workbench.session.image is not None)
    assert workbench.session.image.data.shape == (3, 20, 28)
    assert len(workbench.session.work.items) == 1


def test_double_click_on_a_series_opens_it(panel, person, until, ct, workbench):
    send(panel, person, until, ct)
    person.click(panel.find)
    until(lambda: panel.series_table.rowCount() == 1 and not workbench.session.bar.is_running)
    table = panel.series_table
    place: QPoint = table.visualItemRect(table.item(0, 0)).center()
    QTest.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=place)
    QTest.mouseDClick(table.viewport(), Qt.MouseButton.LeftButton, pos=place)
    until(lambda: workbench.session.image is not None)


def test_what_was_found_is_fetched_where_it_was_found(panel, person, until, ct, workbench):
    send(panel, person, until, ct)
    person.click(panel.find)
    until(lambda: panel.series_table.rowCount() == 1 and not workbench.bar.is_running)
    assert panel.message.text() == "1 study"
    answered = panel.server.text()
    panel.server.set_text("http://127.0.0.1:9/dicom-web")  # to send the result there
    person.click(panel.get)
    until(lambda: workbench.session.image is not None)
    assert workbench.session.settings.get("pacs", "server") == answered


def test_series_of_a_study_chosen_while_something_runs_are_listed_after_it(panel, person, until, ct, workbench):
    send(panel, person, until, ct)
    person.click(panel.find)
    until(lambda: panel.series_table.rowCount() == 1 and not workbench.bar.is_running)
    (first,), series = panel.studies, panel.series
    panel._show_found((first, replace(first, study_uid="1.2.3")), ())
    is_over = threading.Event()

    def long_job():
        while not is_over.wait(0.01):
            yield Progress(0, 0)

    workbench.bar.start("Something", long_job, lambda result: None)
    n_said = len(notification_manager.records)
    panel.study_table.selectRow(1)
    panel.study_table.selectRow(0)
    assert panel.series == ()
    is_over.set()
    until(lambda: panel.series_table.rowCount() == 1 and not workbench.bar.is_running)
    assert len(notification_manager.records) == n_said

    # an answer about a study that is no longer chosen is not shown under another
    panel.study_table.selectRow(1)
    panel._take_series(first.study_uid, pacs.Found("there", (), series))
    assert panel.series == ()
    until(lambda: not workbench.bar.is_running)


def test_patients_are_named_only_when_asked_for(panel, person, until, workbench):
    person.click(panel.find)
    until(lambda: panel.studies and not workbench.session.bar.is_running)
    assert "SECRET" not in str(texts(panel.study_table))
    panel.form.field("show_names").setChecked(True)
    person.click(panel.find)
    until(lambda: "SECRET^JANE mrn-0077" in str(texts(panel.study_table)))


def test_server_is_named_and_remembered_but_no_patient_is(panel, person, until, workbench):
    assert panel.server.give_name("home")
    until(lambda: panel.server.text() == "home")
    panel.form.field("patient_name").setText("SECRET*")
    person.click(panel.find)
    until(lambda: panel.studies and not workbench.session.bar.is_running)
    settings = workbench.session.settings
    assert settings.get("pacs", "server") == "home"
    assert "SECRET" not in str(settings.section("pacs"))


def test_what_goes_wrong_is_told_in_the_panel(panel, person, until):
    panel.server.set_text("http://127.0.0.1:9/dicom-web")
    person.click(panel.find)
    until(lambda: "no server listens there" in panel.message.text())


def test_without_a_server_nothing_starts(panel, workbench):
    panel.server.set_text("")
    assert not panel.search()
    assert not workbench.session.bar.is_running
