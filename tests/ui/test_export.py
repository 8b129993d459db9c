"""The Export row under a person's hands: every format, on a real CT series and on a classifier's answer."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from napari.utils.notifications import notification_manager
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest

from napari_medclf.bridge.boxes import boxes_layers
from napari_medclf.domain.card import Task
from napari_medclf.domain.detection import Detection
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.results import Prediction
from napari_medclf.io.labels import read_label_map
from napari_medclf.io.read import read
from napari_medclf.ui import viewer_link
from napari_medclf.ui.export import FORMATS
from napari_medclf.ui.viewer_link import info_of

VOXELS = np.s_[1, 200:230, 240:280]  # in the order of the file
DICOM_LABELS = (".dcm", ".labelmap.dcm", ".rtstruct.dcm")
LABEL_MAPS = (".nii.gz", ".nrrd", ".mha")


@pytest.fixture
def ct(shared_data) -> Path:
    return shared_data / "dicom_zoo" / "seg_sr_rt" / "dcmqi" / "segmentations" / "ct-3slice"


@pytest.fixture
def save(workbench, person, until, monkeypatch):
    """Choose a format, press Export, name the file in the dialog, and wait; gives the last thing that was told."""
    row = workbench.correct.export

    def export(ending: str, path: Path) -> str:
        workbench.show_tab("Correct")
        unfold(row)
        row.format.setCurrentIndex([one for _, one in FORMATS].index(ending))
        monkeypatch.setattr("qtpy.QtWidgets.QFileDialog.getSaveFileName", lambda *arguments: (str(path), ""))
        person.click(row.export)
        until(lambda: not workbench.bar.is_running)
        return str(notification_manager.records[-1].message)

    return export


def unfold(part) -> None:
    """Open the fold that a part of the tab stands in."""
    fold = part
    while not hasattr(fold, "expand"):
        fold = fold.parentWidget()
    fold.expand(animate=False)
    QTest.qWait(50)  # it is laid out when the event loop turns
    assert part.isVisible()


def block(session) -> np.ndarray:
    made = np.zeros(session.image.geometry.shape, np.uint8)
    made[VOXELS] = 1
    return made


def paint_block(session) -> None:
    session.begin_labels(LabelSchema.from_names(["lesion"], first_value=1))
    layer = session.labels_layer
    layer.data = info_of(layer).frame.to_display(block(session))


def test_labels_on_a_real_series_are_saved_in_every_format_and_read_back(
    workbench, person, save, until, ct, tmp_path
) -> None:
    session = workbench.session
    person.type_path(workbench.data.path, ct)
    until(lambda: session.image is not None)
    assert "nothing to save yet" in save(".dcm", tmp_path / "too-early")
    paint_block(session)
    for ending in (*DICOM_LABELS, *LABEL_MAPS, ".sr.dcm", ".csv", ".overlay.png"):
        save(ending, tmp_path / "lesion")
        assert (tmp_path / f"lesion{ending}").is_file(), (ending, workbench.bar.text)
    assert "holds one slice" in save(".png", tmp_path / "lesion")
    assert not (tmp_path / "lesion.png").exists()

    found = read([ct, *tmp_path.glob("*.dcm")])
    assert found.refusals == ()
    again = [one.segmentations[0] for one in found.label_sets]
    again += [read_label_map(tmp_path / f"lesion{ending}") for ending in LABEL_MAPS]
    assert len(again) == 6
    for one in again:
        assert np.array_equal(np.argwhere(one.labels), np.argwhere(block(session)))
        assert one.geometry.same_grid(session.image.geometry)
    volume_ml = 30 * 40 * np.prod(session.image.geometry.spacing) / 1000
    assert found.reports[0].groups[0].measurements[0].value == pytest.approx(volume_ml)
    (row,) = csv.DictReader((tmp_path / "lesion.csv").read_text(encoding="utf-8").splitlines())
    assert (row["finding"], row["unit"]) == ("Lesion", "mL")
    assert float(row["value"]) == pytest.approx(volume_ml)


def test_classes_of_model_and_person_are_saved_as_report_and_table(
    workbench, person, save, until, install_threshold, threshold_card, ct, tmp_path
) -> None:
    session = workbench.session
    install_threshold(threshold_card(Task.CLASSIFY))
    person.type_path(workbench.data.path, ct)
    until(lambda: session.image is not None)
    person.press(Qt.Key.Key_Space)
    until(lambda: session.answer is not None)
    person.press(Qt.Key.Key_1)  # the model said bright
    assert "no labels on this image" in save(".dcm", tmp_path / "said")
    save(".sr.dcm", tmp_path / "said")
    save(".csv", tmp_path / "said")
    (report,) = read([ct, tmp_path / "said.sr.dcm"]).reports
    (group,) = report.groups
    assert {one.name.meaning for one in group.measurements} == {"dark", "bright"}
    told = {concept.meaning: value.meaning for concept, value in group.statements}
    assert told == {"Predicted class": "bright", "Class given by a person": "dark"}
    assert report.reference.series_uid == session.image.source.series_uid
    rows = list(csv.DictReader((tmp_path / "said.csv").read_text(encoding="utf-8").splitlines()))
    assert [row["value"] for row in rows if row["name"] == "Class given by a person"] == ["dark"]


def test_picture_is_told_why_it_has_no_dicom_results(workbench, person, save, until, pictures, tmp_path) -> None:
    session = workbench.session
    person.type_path(workbench.data.path, pictures)
    until(lambda: session.image is not None)
    session.begin_labels(LabelSchema.from_names(["lesion"], first_value=1))
    session.labels_layer.data = (np.asarray(session.image_layer.data) > 100).astype(np.uint8)
    for ending in (*DICOM_LABELS, ".sr.dcm"):
        assert "was not read from DICOM files" in save(ending, tmp_path / "lesion")
    assert not list(tmp_path.glob("*.dcm"))
    save(".png", tmp_path / "lesion")
    assert np.count_nonzero(read_label_map(tmp_path / "lesion.png").labels) > 0


def test_file_that_the_dialog_did_not_ask_about_is_not_replaced(
    workbench, person, save, until, pictures, tmp_path
) -> None:
    session = workbench.session
    person.type_path(workbench.data.path, pictures)
    until(lambda: session.image is not None)
    session.begin_labels(LabelSchema.from_names(["lesion"], first_value=1))
    session.labels_layer.data = (np.asarray(session.image_layer.data) > 100).astype(np.uint8)
    kept = tmp_path / "mine.nii.gz"
    kept.write_bytes(b"work of a week")
    assert "there already" in save(".nii.gz", tmp_path / "mine")
    assert kept.read_bytes() == b"work of a week"
    save(".nrrd", tmp_path / "mine.nii.gz")
    assert (tmp_path / "mine.nrrd").is_file()


def test_boxes_are_saved_as_drawn_or_around_the_parts_of_labels(workbench, person, save, until, ct, tmp_path) -> None:
    session = workbench.session
    person.type_path(workbench.data.path, ct)
    until(lambda: session.image is not None)
    paint_block(session)
    save(".boxes.csv", tmp_path / "parts")
    (row,) = csv.DictReader((tmp_path / "parts.boxes.csv").read_text(encoding="utf-8").splitlines())
    assert (row["class"], row["making"]) == ("lesion", "MANUAL")
    assert [float(row[f"first_{one}_vox"]) for one in "kji"] == [0.5, 199.5, 239.5]
    assert [float(row[f"last_{one}_vox"]) for one in "kji"] == [1.5, 229.5, 279.5]

    schema, geometry = LabelSchema.from_names(["lesion"], first_value=1), session.image.geometry
    corners = np.array([[[0.5, 10.5, 20.5], [1.5, 30.5, 50.5]]])
    found = Detection(corners, np.array([0.8]), ("lesion",), geometry, schema)
    (described,) = boxes_layers(found, prediction=Prediction("finder", "1.2", "ct", detection=found))
    layer = viewer_link.add_layer(session.viewer, described)
    layer.data = [layer.data[0] + [0, 2, 0]]
    workbench.correct.kept.author.setText("reader 3")
    save(".boxes.json", tmp_path / "drawn")
    document = json.loads((tmp_path / "drawn.boxes.json").read_text(encoding="utf-8"))
    told = [document[key] for key in ("making", "model", "author")]
    assert told == ["SEMIAUTOMATIC", "finder", "reader 3"]
    assert session.image.name not in (tmp_path / "drawn.boxes.json").read_text(encoding="utf-8")
    shift = np.subtract([document["boxes"][0][f"first_{one}_vox"] for one in "kji"], corners[0, 0])
    assert np.abs(shift).max() == pytest.approx(2.0)
