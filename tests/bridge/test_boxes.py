"""Boxes lie on their image in the viewer, and come back as they were, or as a person left them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from napari_medclf.bridge.boxes import boxes_layers, detection_from_layer
from napari_medclf.bridge.layers import image_layer
from napari_medclf.bridge.napari_world import layer_to_world
from napari_medclf.domain.detection import Detection
from napari_medclf.domain.errors import GridError, SchemaError
from napari_medclf.domain.geometry import Geometry
from napari_medclf.domain.image import MedImage
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.testing.phantoms import MARKED_VOXEL, oblique_phantom

_SCHEMA = LabelSchema.from_names(["nodule", "node"], first_value=1)
_BOXES = np.array([[[2.2, 3.0, 4.1], [5.9, 8.3, 9.25]], [[7.6, 10.0, 11.0], [7.9, 12.0, 13.7]]])
_ORDERS = [((0, 1, 2), (False, False, False)), ((2, 0, 1), (True, False, True)), ((1, 2, 0), (False, True, False))]


def _detection(geometry: Geometry | None = None, n: int = 2) -> Detection:
    geometry = oblique_phantom().geometry if geometry is None else geometry
    return Detection(_BOXES[:n], np.array([0.93, 0.31])[:n], ("nodule", "node")[:n], geometry, _SCHEMA, name="lung")


def _shown(detection: Detection) -> tuple[list[np.ndarray], dict[str, Any], dict[str, Any]]:
    ((data, keywords, kind),) = boxes_layers(detection)
    assert kind == "shapes"
    return [one.copy() for one in data], keywords["metadata"], {k: list(v) for k, v in keywords["features"].items()}


@pytest.mark.parametrize(("order", "flips"), _ORDERS)
def test_untouched_boxes_come_back_as_the_very_ones(order: Any, flips: Any) -> None:
    detection = _detection(oblique_phantom().geometry.permuted(order, flips), n=1)
    assert detection_from_layer(*_shown(detection)) is detection


@pytest.mark.parametrize(("order", "flips"), _ORDERS)
def test_box_is_drawn_around_its_voxel(order: Any, flips: Any) -> None:
    image = oblique_phantom()
    index = [MARKED_VOXEL[axis] for axis in order]
    turned = image.geometry.permuted(order, flips)
    index = [n - 1 - place if flip else place for n, place, flip in zip(turned.shape, index, flips, strict=True)]
    data = np.transpose(image.data, order)[tuple(slice(None, None, -1 if flip else 1) for flip in flips)]
    image = replace(image, data=data, geometry=turned)
    box = np.array([[np.array(index) - 0.5, np.array(index) + 0.5]])
    ((rectangles, keywords, _),) = boxes_layers(Detection(box, np.array([1.0]), ("nodule",), turned, _SCHEMA))
    shown, image_keywords, _ = image_layer(image)
    (brightest,) = np.argwhere(shown == shown.max())
    (corners,) = rectangles
    np.testing.assert_allclose(corners.mean(axis=0), brightest)
    np.testing.assert_array_equal(layer_to_world(keywords, 3), layer_to_world(image_keywords, 3))
    assert keywords["units"] == image_keywords["units"]


def test_there_is_a_rectangle_in_each_acquired_slice_of_a_box() -> None:
    data, _, features = _shown(_detection())
    assert features["box"] == [1, 1, 1, 2]
    assert features["class"] == ["nodule", "nodule", "nodule", "node"]
    assert features["score"] == [0.93, 0.93, 0.93, 0.31]
    assert all(len(np.unique(one[:, 0])) == 1 for one in data)


def test_rectangle_that_was_moved_moves_its_box_in_all_slices() -> None:
    data, metadata, features = _shown(_detection())
    data[1] = data[1] + np.array([0, 2.0, -1.0])
    back = detection_from_layer(data, metadata, features)
    assert back.is_edited
    np.testing.assert_array_equal(back.boxes[1], _BOXES[1])
    np.testing.assert_allclose(back.boxes[0, :, 0], _BOXES[0, :, 0])
    world = back.geometry.to_world(back.centres[0]) - back.geometry.to_world(_detection().centres[0])
    np.testing.assert_allclose(np.linalg.norm(world), np.hypot(2 * 0.75, 1 * 0.5), rtol=1e-6)


def test_removed_slices_shorten_a_box_and_removed_boxes_are_gone() -> None:
    data, metadata, features = _shown(_detection())
    kept = [0, 1]
    back = detection_from_layer(
        [data[n] for n in kept], metadata, {key: [column[n] for n in kept] for key, column in features.items()}
    )
    assert back.names == ("nodule",)
    assert back.is_edited
    np.testing.assert_array_equal(back.boxes[0, :, 1:], _BOXES[0, :, 1:])
    assert back.boxes[0, 1, 0] - back.boxes[0, 0, 0] == 2


def test_rectangles_drawn_through_slices_are_one_new_box() -> None:
    data, metadata, features = _shown(_detection())
    for slice_ in (8, 9, 10):
        data.append(np.array([[slice_, 1, 1], [slice_, 1, 6], [slice_, 4, 6], [slice_, 4, 1.0]]))
        features = {key: [*column, {"box": 0, "class": "node", "score": 1.0}[key]] for key, column in features.items()}
    back = detection_from_layer(data, metadata, features)
    assert back.names == ("node", "nodule", "node")
    assert back.scores[0] == 1.0
    np.testing.assert_allclose(np.sort(back.boxes[0, 1] - back.boxes[0, 0]), [3, 3, 5])
    assert (back.boxes[0, 0] <= back.boxes[0, 1]).all()


def test_other_class_is_taken_and_an_unknown_one_refused() -> None:
    data, metadata, features = _shown(_detection())
    features["class"][3] = "nodule"
    assert detection_from_layer(data, metadata, features).names == ("nodule", "nodule")
    features["class"][3] = "noodle"
    with pytest.raises(SchemaError, match="Did you mean 'nodule'"):
        detection_from_layer(data, metadata, features)


def test_picture_shows_flat_rectangles_that_come_back() -> None:
    geometry = Geometry.flat(30, 40)
    boxes = np.array([[[-0.5, 3.5, 7.25], [0.5, 11.5, 20.5]]])
    detection = Detection(boxes, np.array([0.5]), ("node",), geometry, _SCHEMA)
    data, metadata, features = _shown(detection)
    assert data[0].tolist() == [[3.5, 7.25], [3.5, 20.5], [11.5, 20.5], [11.5, 7.25]]
    assert detection_from_layer(data, metadata, features) is detection
    data[0][:, 0] += 1
    back = detection_from_layer(data, metadata, features)
    assert back.boxes.tolist() == [[[-0.5, 4.5, 7.25], [0.5, 12.5, 20.5]]]


def test_layer_of_somebody_else_is_refused() -> None:
    with pytest.raises(GridError, match="not made by MedCLF"):
        detection_from_layer([], {}, {})


@pytest.mark.parametrize("n", [0, 2])
def test_napari_takes_the_layer_and_keeps_text_and_features(n: int) -> None:
    shapes = pytest.importorskip("napari.layers").Shapes
    detection = _detection(n=n)
    ((data, keywords, _),) = boxes_layers(detection, image=oblique_phantom())
    layer = shapes(data, **keywords)
    assert layer.ndim == 3
    assert detection_from_layer(layer.data, layer.metadata, layer.features) is detection
    layer.add_rectangles(np.array([[3, 1, 1], [3, 1, 5], [3, 4, 5], [3, 4, 1.0]]))
    assert layer.text.values[-1] == "nodule 1.00"
    back = detection_from_layer(layer.data, layer.metadata, layer.features)
    assert len(back) == n + 1


def test_layer_keeps_the_image_without_its_samples() -> None:
    image: MedImage = oblique_phantom()
    ((_, keywords, _),) = boxes_layers(_detection(), image=image)
    kept = keywords["metadata"]["medclf"].source_image
    assert kept.geometry is image.geometry
    assert not kept.data.any()
