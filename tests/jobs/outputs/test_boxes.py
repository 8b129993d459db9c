"""A run writes boxes and doubt, and counts the boxes in its results."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from napari_medclf.domain.card import Task
from napari_medclf.domain.detection import Detection
from napari_medclf.domain.errors import OptionError
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.results import Prediction, Segmentation, UncertaintyMap
from napari_medclf.io.read import read_image
from napari_medclf.jobs.outputs.formats import check_formats
from napari_medclf.jobs.outputs.write import write_outputs
from napari_medclf.testing.phantoms import oblique_phantom

_SCHEMA = LabelSchema.from_names(["nodule", "node"], first_value=1)


def _prediction(**given: object) -> Prediction:
    return Prediction("finder", "1", "phantom", **given)


def test_boxes_are_written_and_counted_by_class(tmp_path: Path) -> None:
    image = oblique_phantom()
    boxes = np.array([[[1.0, 2, 3], [4, 5, 6]], [[5.0, 6, 7], [8, 9, 10]]])
    detection = Detection(boxes, np.array([0.9, 0.4]), ("nodule", "nodule"), image.geometry, _SCHEMA)
    written = write_outputs(_prediction(detection=detection), image, _SCHEMA, tmp_path)
    assert [path.name for path in written.files] == ["boxes.json", "boxes.csv"]
    assert written.values == {"n_boxes:nodule": 2, "n_boxes:node": 0}


def test_labels_give_boxes_around_their_parts_when_asked(tmp_path: Path) -> None:
    image = oblique_phantom()
    labels = np.zeros(image.geometry.shape, dtype=np.uint8)
    labels[2:4, 5:8, 6:9] = 1
    labels[8:9, 5:8, 20:22] = 1
    prediction = _prediction(segmentation=Segmentation(labels, image.geometry, _SCHEMA))
    written = write_outputs(prediction, image, _SCHEMA, tmp_path, ("boxes",))
    assert [path.name for path in written.files] == ["boxes.json", "boxes.csv"]
    assert written.values["n_boxes:nodule"] == 2
    with (tmp_path / "boxes.csv").open() as file:
        assert [row["score"] for row in csv.DictReader(file)] == ["1.0", "1.0"]


def test_map_of_uncertainty_lies_on_the_images_grid(tmp_path: Path) -> None:
    image = oblique_phantom()
    values = (image.data / 2000).clip(0, 1).astype(np.float32)
    prediction = _prediction(uncertainty=UncertaintyMap(values, image.geometry, "entropy"))
    (path,) = write_outputs(prediction, image, _SCHEMA, tmp_path).files
    back = read_image(path)
    assert path.name == "uncertainty.nii.gz"
    brightest = np.unravel_index(np.argmax(back.data), back.geometry.shape)
    marked = np.unravel_index(np.argmax(values), values.shape)
    np.testing.assert_allclose(
        back.geometry.to_world(np.array(brightest, dtype=float)),
        image.geometry.to_world(np.array(marked, dtype=float)),
        atol=1e-3,
    )


def test_model_to_detect_refuses_labels_and_a_classifier_refuses_boxes() -> None:
    check_formats(Task.DETECT, ("auto", "boxes"))
    check_formats(Task.SEGMENT, ("boxes", "nifti"))
    with pytest.raises(OptionError, match="no labels to write as nifti. Its boxes are always written as JSON and CSV"):
        check_formats(Task.DETECT, ("nifti",))
    with pytest.raises(OptionError, match="no labels to write as boxes. Its scores"):
        check_formats(Task.CLASSIFY, ("boxes",))
