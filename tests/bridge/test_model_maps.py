"""Maps of doubt and of evidence lie on the image that they are about."""

from __future__ import annotations

import numpy as np

from napari_medclf.bridge.layers import image_layer
from napari_medclf.bridge.model_maps import heat_layer, uncertainty_layer
from napari_medclf.bridge.napari_world import layer_to_world
from napari_medclf.domain.heat_map import HeatMap
from napari_medclf.domain.results import UncertaintyMap
from napari_medclf.testing.phantoms import oblique_phantom


def test_unsure_voxel_is_shown_where_it_lies() -> None:
    image = oblique_phantom()
    values = (image.data / 2000).clip(0, 1).astype(np.float32)
    data, keywords, kind = uncertainty_layer(UncertaintyMap(values, image.geometry, "entropy"), "doubt")
    shown, image_keywords, _ = image_layer(image)
    assert kind == "image"
    assert np.argmax(data) == np.argmax(shown)
    np.testing.assert_array_equal(layer_to_world(keywords, 3), layer_to_world(image_keywords, 3))
    assert keywords["contrast_limits"] == (0.0, 1.0)
    info = keywords["metadata"]["medclf"]
    assert info.image is None
    assert info.uncertainty is not None
    assert info.uncertainty.kind == "entropy"


def test_heat_is_shown_where_it_lies_and_is_no_image() -> None:
    image = oblique_phantom()
    values = (image.data / 2000).clip(0, 1).astype(np.float32)
    data, keywords, _ = heat_layer(HeatMap(values, image.geometry, "spot", 0.9, 3.0, image.geometry.shape), "why")
    shown, image_keywords, _ = image_layer(image)
    assert np.argmax(data) == np.argmax(shown)
    np.testing.assert_array_equal(layer_to_world(keywords, 3), layer_to_world(image_keywords, 3))
    assert keywords["metadata"]["medclf"].is_map
