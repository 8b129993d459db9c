from dataclasses import replace

import numpy as np

from napari_medclf.bridge.authorship import authorship_of, authorship_of_boxes
from napari_medclf.bridge.boxes import boxes_layers, detection_from_layer
from napari_medclf.bridge.layer_info import layer_info
from napari_medclf.bridge.layers import labels_layer, segmentation_from_layer
from napari_medclf.domain.authorship import Making
from napari_medclf.domain.detection import Detection
from napari_medclf.domain.results import Prediction
from napari_medclf.testing.phantoms import brain_phantom

TRUTH = brain_phantom().truth
SAID = Prediction("hippocampus-mr", "1.2", "brain", segmentation=TRUTH, weights_sha256="ab12")


def making_after(data: np.ndarray, keywords: dict) -> Making:
    metadata = keywords["metadata"]
    return authorship_of(layer_info(metadata), segmentation_from_layer(data, metadata)).making


def test_a_model_s_labels_are_automatic_until_one_voxel_is_changed() -> None:
    data, keywords, _ = labels_layer(TRUTH, prediction=SAID)
    assert making_after(data, keywords) is Making.AUTOMATIC
    data[2, 3, 4] = 2 if data[2, 3, 4] != 2 else 1
    assert making_after(data, keywords) is Making.SEMIAUTOMATIC


def test_model_and_weights_are_named() -> None:
    _, keywords, _ = labels_layer(TRUTH, prediction=SAID)
    found = authorship_of(layer_info(keywords["metadata"]), TRUTH, author="reader 3")
    assert (found.model, found.model_version, found.weights_sha256, found.author) == (
        "hippocampus-mr", "1.2", "ab12", "reader 3",
    )  # fmt: skip


def test_labels_that_began_empty_are_manual() -> None:
    data, keywords, _ = labels_layer(replace(TRUTH, labels=np.zeros_like(TRUTH.labels)))
    data[2, 3, 4] = 1
    assert making_after(data, keywords) is Making.MANUAL


def test_labels_of_another_program_are_manual() -> None:
    assert authorship_of(None, TRUTH).making is Making.MANUAL


def test_a_model_s_boxes_are_automatic_until_one_is_moved() -> None:
    schema = TRUTH.schema
    corners = np.array([[[1.5, 2.5, 3.5], [3.5, 8.5, 7.5]]])
    found = Detection(corners, np.array([0.75]), (schema.names[0],), TRUTH.geometry, schema)
    for prediction, before, after in (
        (SAID, Making.AUTOMATIC, Making.SEMIAUTOMATIC),
        (None, Making.MANUAL, Making.MANUAL),
    ):
        ((data, keywords, _),) = boxes_layers(found, prediction=prediction)
        info = layer_info(keywords["metadata"])
        for shift, meant in ((0.0, before), (1.0, after)):
            moved = [np.add(one, [0, shift, 0]) for one in data]
            now = detection_from_layer(moved, keywords["metadata"], keywords["features"])
            assert authorship_of_boxes(info, now).making is meant
