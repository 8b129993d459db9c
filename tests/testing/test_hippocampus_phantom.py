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


def test_structure_lies_left_of_the_brain_stem():
    phantom = hippocampus_phantom()
    bright = phantom.image.geometry.to_world(np.argwhere(phantom.image.data > 1031).mean(axis=0))
    assert centre_of(phantom, "posterior")[0] > bright[0] + 5  # x grows to Left


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
