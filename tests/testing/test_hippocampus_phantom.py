"""The drawn hippocampus: head in front and below, body behind and above, the patient's left side."""

from __future__ import annotations

import numpy as np

from napari_medclf.testing.hippocampus_phantom import hippocampus_phantom


def centre_of(phantom, name):
    labels, geometry = phantom.truth.labels, phantom.truth.geometry
    return geometry.to_world(np.argwhere(labels == phantom.truth.schema.named(name).value).mean(axis=0))


def test_head_lies_in_front_of_and_below_the_body():
    phantom = hippocampus_phantom()
    head, body = centre_of(phantom, "anterior"), centre_of(phantom, "posterior")
    assert head[1] < body[1] - 10  # y grows to Posterior
    assert head[2] < body[2] - 5  # z grows to Superior


def test_structure_lies_on_the_left_of_the_patient():
    phantom = hippocampus_phantom()
    places = phantom.truth.geometry.to_world(np.argwhere(phantom.truth.labels > 0))
    assert places[:, 0].min() > 10  # x grows to Left, and is 0 in the middle


def test_volumes_are_those_of_a_hippocampus():
    phantom = hippocampus_phantom()
    volumes_ml = [
        phantom.truth.count(name) * phantom.truth.geometry.voxel_volume_ml for name in ("anterior", "posterior")
    ]
    assert all(1.0 < volume < 3.0 for volume in volumes_ml)


def test_drawing_is_the_same_each_time():
    first, second = hippocampus_phantom(), hippocampus_phantom()
    np.testing.assert_array_equal(first.image.data, second.image.data)
    np.testing.assert_array_equal(first.truth.labels, second.truth.labels)
