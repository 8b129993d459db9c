"""A slice that is shown early lies where it will lie in the whole answer, and is no answer."""

from __future__ import annotations

import numpy as np
import pytest

from napari_medclf.bridge.layer_info import layer_info
from napari_medclf.bridge.layers import labels_layer
from napari_medclf.bridge.preview import preview_layer
from napari_medclf.domain.events import Previewed
from napari_medclf.domain.results import Segmentation
from napari_medclf.testing.phantoms import brain_phantom


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_slice_lies_where_the_whole_answer_has_it(axis: int) -> None:
    phantom = brain_phantom()
    schema, geometry = phantom.truth.schema, phantom.image.geometry
    others = tuple(other for other in range(3) if other != axis)
    index = int(np.count_nonzero(phantom.truth.labels, axis=others).argmax())
    plane = np.take(phantom.truth.labels, index, axis=axis)
    only = np.zeros_like(phantom.truth.labels)
    only[(slice(None),) * axis + (index,)] = plane
    assert only.any()
    data, keywords, kind = preview_layer(Previewed(axis, index, plane), geometry, schema, "first")
    whole, whole_keywords, _ = labels_layer(Segmentation(only, geometry, schema))
    assert kind == "labels"
    assert np.array_equal(data, whole)
    assert {name: keywords[name] for name in ("scale", "translate", "units")} == {
        name: whole_keywords[name] for name in ("scale", "translate", "units")
    }


def test_nobody_takes_it_for_an_answer() -> None:
    phantom = brain_phantom()
    plane = phantom.truth.labels[0]
    _, keywords, _ = preview_layer(Previewed(0, 0, plane), phantom.image.geometry, phantom.truth.schema, "first")
    assert layer_info(keywords.get("metadata", {})) is None
