"""The series list under a person's hands, on coded series of DICOM files."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from napari.utils.notifications import notification_manager
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest

from napari_medclf.domain.dataset import FileRef
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.io.read import read_entry
from napari_medclf.testing.coded_files import write_coded
from napari_medclf.testing.coded_series import all_coded_series
from napari_medclf.ui.viewer_link import info_of


@pytest.fixture
def study(tmp_path) -> Path:
    """Three series: a whole one, a sagittal one, and one with slices missing."""
    for series in all_coded_series():
        if series.name in {"oblique", "sagittal", "missing"}:
            write_coded(series, tmp_path / "study" / series.name)
    return tmp_path / "study"


def zipped(folder: Path) -> Path:
    """Pack a folder; gives the archive."""
    return Path(shutil.make_archive(str(folder), "zip", folder))


def indexed(folder: Path) -> Path:
    """Write a DICOMDIR that names all files of a folder."""
    directory = Dataset()
    directory.file_meta = FileMetaDataset()
    directory.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.1.3.10"
    directory.file_meta.MediaStorageSOPInstanceUID = "1.2.3"
    directory.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    directory.DirectoryRecordSequence = []
    for file in sorted(folder.iterdir()):
        record = Dataset()
        record.DirectoryRecordType, record.ReferencedFileID = "IMAGE", [file.name]
        directory.DirectoryRecordSequence.append(record)
    directory.save_as(folder / "DICOMDIR", enforce_file_format=True)
    return folder / "DICOMDIR"


class Hands:
    """Opens folders and points at rows."""

    def __init__(self, workbench, person, until) -> None:
        self.workbench, self.session = workbench, workbench.session
        self._person, self._until = person, until
        self.list = workbench.data.list

    def open(self, path: Path) -> None:
        self._person.type_path(self.workbench.data.path, path)
        self._until(lambda: self.session.opened_path == path)
        self.wait()

    def wait(self) -> None:
        self._until(lambda: not self.session.lane.is_busy and not self.workbench.bar.is_running)

    def place(self, word: str) -> int:
        model = self.list.model()
        return next(row for row in range(model.rowCount()) if word in str(model.row(row)))

    def click(self, word: str, modifier=Qt.KeyboardModifier.NoModifier, *, twice: bool = False) -> None:
        index = self.list.model().index(self.place(word))
        self.list.scrollTo(index)
        where = self.list.visualRect(index).center()
        press = QTest.mouseDClick if twice else QTest.mouseClick
        QTest.mouseClick(self.list.viewport(), Qt.MouseButton.LeftButton, modifier, where)
        if twice:
            press(self.list.viewport(), Qt.MouseButton.LeftButton, modifier, where)
            self.wait()


@pytest.fixture
def hands(workbench, person, until) -> Hands:
    return Hands(workbench, person, until)


def ways(workbench) -> list:
    row = workbench.data.picker._ways
    return [row.itemAt(place).widget() for place in range(row.count())]


def test_open_a_study_look_at_rows_open_what_was_refused(workbench, person, hands, study, until) -> None:
    session = hands.session
    hands.open(study)
    assert session.image is not None
    assert len(session.work.items) == 2

    # a refused series says why, and opens in the way a person allows
    hands.click("missing")
    assert "mm" in workbench.data.picker.detail.text()
    assert [button.text() for button in ways(workbench)] == ["Open with gaps left empty", "Open resampled"]
    person.click(ways(workbench)[0])
    hands.wait()
    assert session.image.geometry.shape[0] == 9
    assert any("⚠" in line for line in workbench.data.facts.text().splitlines())

    # a double click opens, two selected rows open together, and the filter leaves out
    hands.click("sagittal", twice=True)
    assert session.image.geometry.axis_codes[0] in "LR"
    hands.click("oblique")
    hands.click("sagittal", Qt.KeyboardModifier.ControlModifier)
    person.click(workbench.data.picker.open)
    hands.wait()
    assert len(session.viewer.layers) == 2
    assert any("turned differently" in record.message for record in notification_manager.records)
    workbench.data.picker.filter.setText("sagittal")
    assert workbench.data.list.model().rowCount() < 4

    # its header, without who it is
    hands.click("sagittal")
    person.click(workbench.data.picker.show_tags)
    until(lambda: workbench.data.picker.tags.rowCount() > 8)
    tags = workbench.data.picker.tags
    assert "Modality" in [tags.item(row, 0).text() for row in range(tags.rowCount())]


def test_painted_labels_are_saved_as_dicom_and_opened_again_on_their_series(
    workbench, person, hands, study, until
) -> None:
    session = hands.session
    hands.open(study / "oblique")
    session.begin_labels(LabelSchema.from_names(["lesion"], first_value=1))
    person.stroke((0.45, 0.45), (0.55, 0.5))
    painted = np.array(session.labels_layer.data)
    assert painted.any()
    workbench.correct.export.format.setCurrentIndex(0)
    workbench.correct.export.save_to(study / "oblique" / "lesion")
    hands.wait()
    saved = study / "oblique" / "lesion.dcm"
    assert saved.is_file(), workbench.bar.text
    found = read_entry(FileRef(saved), (study / "oblique",)).segmentations[0]
    assert found.schema.names == ("lesion",)

    for path in (study / "oblique", zipped(study / "oblique"), indexed(study / "oblique")):
        session.viewer.layers.clear()
        hands.open(path)
        hands.click("lesion", twice=True)
        until(lambda: session.labels_layer is not None)
        assert np.array_equal(np.asarray(session.labels_layer.data) != 0, painted != 0)

        session.viewer.layers.clear()
        with pytest.warns(UserWarning, match="thick by tag"):
            session.viewer.open(str(path), plugin="napari-medclf")
        assert len(session.viewer.layers) == 2
        assert np.array_equal(np.asarray(session.labels_layer.data) != 0, painted != 0)
        assert info_of(session.labels_layer).source_image is not None


def test_listing_can_be_stopped(workbench, person, monkeypatch, tmp_path, until) -> None:
    import time

    def endless(path, on_progress):
        while True:
            time.sleep(0.01)
            on_progress(3, 10_000)

    monkeypatch.setattr("napari_medclf.io.read.discover", endless)
    workbench.session.open_path(tmp_path)
    until(lambda: "3 of 10000" in workbench.bar.text)
    person.press(Qt.Key.Key_Escape)
    until(lambda: not workbench.bar.is_running, 2)
    assert "canceled" in workbench.bar.text
