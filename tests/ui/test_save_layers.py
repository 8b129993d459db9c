"""``File > Save`` through napari, of layers that napari itself made on an oblique series."""

import csv
import json

import numpy as np
import pytest

from napari_medclf.bridge.boxes import boxes_layers
from napari_medclf.bridge.foreign import labels_of_foreign_layer
from napari_medclf.bridge.layer_info import layer_info
from napari_medclf.domain.dataset import FileRef
from napari_medclf.domain.detection import Detection
from napari_medclf.domain.errors import WriteError
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.results import Prediction
from napari_medclf.io.labels import read_label_map
from napari_medclf.io.read import read_entry
from napari_medclf.testing.coded_files import write_coded
from napari_medclf.testing.coded_series import all_coded_series
from napari_medclf.ui import viewer_link

PLUGIN = "napari-medclf"
MARK = (2, 3, 4)  # in the order of display


@pytest.fixture
def oblique(make_napari_viewer, tmp_path):
    """A viewer with an oblique DICOM series, and the true place of a voxel."""
    series = next(one for one in all_coded_series() if one.name == "oblique")
    folder = write_coded(series, tmp_path / "oblique")
    viewer = make_napari_viewer()
    with pytest.warns(UserWarning, match="thick by tag"):
        (layer,) = viewer.open(str(folder), plugin=PLUGIN)
    return viewer, layer, folder, series.true_world(series.codes_of(np.asarray(layer.data)[MARK]))


def new_labels(viewer, layer):
    made = viewer.add_labels(
        np.zeros(layer.data.shape, np.uint8), scale=layer.scale, translate=layer.translate, units=layer.units
    )
    made.data[MARK] = 1
    return made


def test_labels_drawn_on_napari_s_own_layer_are_saved_at_their_true_place(oblique, tmp_path) -> None:
    viewer, layer, folder, truth = oblique
    drawn = new_labels(viewer, layer)
    for ending in (".nii.gz", ".nrrd", ".dcm", ".labelmap.dcm", ".rtstruct.dcm"):
        path = tmp_path / f"drawn{ending}"
        assert drawn.save(str(path), plugin=PLUGIN) == [str(path)]
        is_dicom = ending.endswith(".dcm")
        found = read_entry(FileRef(path), (folder,)).segmentations[0] if is_dicom else read_label_map(path)
        (place,) = np.argwhere(found.labels)
        assert found.geometry.to_world(place) == pytest.approx(truth, abs=1e-3), ending

    # the fault this is for: taking what napari shows for the truth
    placed = {"scale": layer.scale, "translate": layer.translate, "units": layer.units}
    wrong = labels_of_foreign_layer(np.asarray(drawn.data), placed)
    (place,) = np.argwhere(wrong.labels)
    assert np.abs(wrong.geometry.to_world(place) - truth).max() > 1.0


def test_labels_without_an_image_are_refused_as_dicom(make_napari_viewer, tmp_path) -> None:
    labels = make_napari_viewer().add_labels(np.ones((4, 5, 6), np.uint8))
    with pytest.raises(WriteError, match="only be saved as DICOM on a DICOM series"):
        labels.save(str(tmp_path / "alone.dcm"), plugin=PLUGIN)
    assert not list(tmp_path.glob("*.dcm"))


def test_points_are_saved_in_millimetres_of_the_patient(oblique, tmp_path) -> None:
    viewer, layer, _, truth = oblique
    place = np.asarray(layer.translate) + np.multiply(MARK, layer.scale)
    points = viewer.add_points(place[None], features={"label": ["tip"]})
    points.save(str(tmp_path / "points.csv"), plugin=PLUGIN)
    (row,) = csv.DictReader((tmp_path / "points.csv").read_text(encoding="utf-8").splitlines())
    assert row["label"] == "tip"
    assert [float(row[name]) for name in ("x_mm", "y_mm", "z_mm")] == pytest.approx(truth, abs=1e-3)


def test_labels_of_another_size_are_refused_beside_an_oblique_image(oblique, tmp_path) -> None:
    viewer, layer, _, _ = oblique
    larger = np.ones(np.add(layer.data.shape, 2), np.uint8)  # as napari makes them over two images
    labels = viewer.add_labels(larger, scale=layer.scale, translate=layer.translate, units=layer.units)
    with pytest.raises(WriteError, match="only shown upright"):
        labels.save(str(tmp_path / "union.nii.gz"), plugin=PLUGIN)
    assert not (tmp_path / "union.nii.gz").exists()


def test_boxes_are_saved_at_their_true_place_with_what_a_person_changed(oblique, tmp_path) -> None:
    viewer, layer, _, truth = oblique
    info = layer_info(layer.metadata)
    schema = LabelSchema.from_names(["nodule", "node"], first_value=1)
    middle = info.geometry.to_index(np.asarray(truth))
    corners = np.array([[middle - 0.5, middle + 0.5], [middle - 1.5, middle + 0.5]])
    found = Detection(corners, np.array([0.9, 0.4]), ("nodule", "node"), info.geometry, schema, name="DOE · boxes")
    said = Prediction("finder", "1.2", "DOE", weights_sha256="ab12", detection=found)
    (described,) = boxes_layers(found, prediction=said)
    boxes = viewer_link.add_layer(viewer, described)
    boxes.save(str(tmp_path / "before.json"), plugin=PLUGIN)
    before = json.loads((tmp_path / "before.json").read_text(encoding="utf-8"))
    assert (before["making"], before["model"], before["frame"]) == ("AUTOMATIC", "finder", "LPS")
    place = [before["boxes"][0][f"centre_{one}"] for one in "xyz"]
    assert place == pytest.approx(truth, abs=1e-3)

    boxes.selected_data = {number for number, one in enumerate(boxes.features["class"]) if one == "node"}
    boxes.remove_selected()
    boxes.save(str(tmp_path / "after.csv"), plugin=PLUGIN)
    (row,) = csv.DictReader((tmp_path / "after.csv").read_text(encoding="utf-8").splitlines())
    assert (row["class"], row["score"], row["making"], row["model"]) == ("nodule", "0.9", "SEMIAUTOMATIC", "finder")
    assert not any("DOE" in one.read_text(encoding="utf-8") for one in tmp_path.glob("*.*") if one.is_file())


def test_shapes_that_are_no_boxes_are_refused_with_a_way_out(make_napari_viewer, tmp_path) -> None:
    shapes = make_napari_viewer().add_shapes([np.array([[0, 0], [0, 4], [5, 4], [5, 0]])])
    with pytest.raises(WriteError, match="napari's own format"):
        shapes.save(str(tmp_path / "drawn.json"), plugin=PLUGIN)
    assert not (tmp_path / "drawn.json").exists()
