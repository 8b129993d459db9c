"""Labelled data in the window: open, look, check, leave out, go on to training."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest

from napari_medclf.ui.dataset.findings import box_of
from napari_medclf.ui.dataset.opening import folder_of


@pytest.fixture
def lungs(tmp_path, pictures):
    """Two classes of four pictures each, one of which is in both, and one that is blank."""
    from PIL import Image

    folder = tmp_path / "lungs"
    for name in ("clear", "opaque"):
        (folder / name).mkdir(parents=True)
        for picture in sorted(pictures.glob("*.png")):
            samples = np.asarray(Image.open(picture))
            Image.fromarray(samples if name == "clear" else samples[::-1]).save(folder / name / picture.name)
    shutil.copy(folder / "clear" / "disc-0.png", folder / "opaque" / "again.png")
    Image.fromarray(np.full((64, 80), 90, np.uint8)).save(folder / "clear" / "blank.png")
    return folder


@pytest.fixture
def page(workbench, person, lungs, until):
    workbench.show_tab("Data")
    workbench.data_tab.pages.setCurrentWidget(workbench.data_tab.dataset)
    made = workbench.data_tab.dataset
    person.type_path(made.path, lungs)
    until(lambda: made.opened is not None and not workbench.bar.is_running)
    return made


def check(page, workbench, person, until) -> list[str]:
    person.click(page.check)
    until(lambda: not workbench.bar.is_running and page.findings.n_findings)
    return [str(page.findings.model.finding(row).kind) for row in range(page.findings.model.rowCount())]


def test_cases_are_listed_with_their_class_and_open_with_what_the_data_says(page, workbench, person, until) -> None:
    assert "clear 5 · opaque 5" in page.counts.text()
    assert len(page.cases.shown) == 10
    page.cases.choose("class", "opaque")
    assert len(page.cases.shown) == 5
    page.cases.filter.setText("again")
    page.cases.view.selectRow(0)
    person.click(page.open_case)
    until(lambda: workbench.session.image is not None)
    assert workbench.notes.text("scores") == "data: opaque"


def test_click_on_the_box_of_a_finding_writes_the_file(page, workbench, person, until) -> None:
    kinds = check(page, workbench, person, until)
    assert {"conflict", "blank"} <= set(kinds)
    findings = page.findings
    index = findings.model.index(kinds.index("blank"))
    findings.list.scrollTo(index)
    place = box_of(findings.list.visualRect(index)).center()
    QTest.mouseClick(findings.list.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert list(page.exclusions.reasons) == ["clear-blank"]
    until(page.exclusions.path.is_file, 5)
    until(lambda: not workbench.session.lane.is_busy)
    assert "clear-blank" in json.loads(page.exclusions.path.read_text(encoding="utf-8"))["exclude"]
    assert "1 left out" in page.counts.text()
    QTest.mouseClick(findings.list.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert not page.exclusions.reasons


def test_selected_finding_shows_the_pictures_of_its_cases(page, workbench, person, until) -> None:
    kinds = check(page, workbench, person, until)
    index = page.findings.model.index(kinds.index("conflict"))
    page.findings.list.setCurrentIndex(index)
    finding = page.findings.model.finding(index.row())
    assert page.findings.detail.sentence.text() == finding.sentence
    from napari_medclf.ui.dataset.findings import picture_key

    until(lambda: all(page.thumbnails.get(picture_key(case_id)) is not None for case_id in finding.cases), 5)


def test_what_was_left_out_is_remembered_and_goes_into_the_training(page, workbench, person, lungs, until) -> None:
    page.cases.select("clear-disc-1")
    person.click(page.leave_out)
    until(lambda: not workbench.session.lane.is_busy)
    page.open()
    until(lambda: not workbench.bar.is_running)
    assert list(page.exclusions.reasons) == ["clear-disc-1"]
    person.click(page.train)
    assert workbench.tabs.tabText(workbench.tabs.currentIndex()) == "Train"
    values = workbench.train.form.values()
    assert values["data"] == str(lungs)
    assert values["exclude"] == str(page.exclusions.path)


def test_splits_are_frozen_and_the_training_takes_them(page, workbench, person, until) -> None:
    page.parts.buttons["Split"].click()
    page.split.form.show_values({"val_fraction": 0.3, "test_fraction": 0.3, "near_copies": False})
    person.click(page.split.draw)
    until(lambda: not workbench.bar.is_running and "train" in page.counts.text(), 60)
    assert "test" in page.counts.text()
    assert "Hash" in page.split.message.text()
    split = page.opened.choice.split_file
    assert json.loads(split.read_text(encoding="utf-8"))["test"]
    assert page.options_to_train()["split"] == split


def test_advice_stands_above_the_cases(page) -> None:
    assert page.advice.isVisible()
    assert page.advice.text().startswith("⚠")


def test_data_without_labels_is_refused_in_a_sentence(workbench, person, tmp_path, until) -> None:
    from napari.utils.notifications import notification_manager

    (tmp_path / "empty").mkdir()
    notification_manager.records.clear()
    person.type_path(workbench.data_tab.dataset.path, tmp_path / "empty")
    until(lambda: notification_manager.records)
    assert "Traceback" not in notification_manager.records[-1].message
    assert workbench.data_tab.dataset.opened is None


def test_two_folders_of_one_name_keep_their_decisions_apart(tmp_path) -> None:
    one, other = folder_of(tmp_path / "a" / "lungs", tmp_path), folder_of(tmp_path / "b" / "lungs", tmp_path)
    assert one != other
    assert one.name.startswith("lungs-")
