"""Objects that are too small, or not the largest, go class by class."""

from __future__ import annotations

import numpy as np

from napari_medclf.domain.labels import LabelSchema
from napari_medclf.engine.tidy import keep_largest, remove_small_objects

_ORGANS = LabelSchema.from_names(["liver", "spleen"], first_value=1)


def test_small_objects_go_class_by_class() -> None:
    labels = np.array([[[1, 1, 2, 0, 2, 2, 2, 0, 1]]], dtype=np.uint8)
    remove_small_objects(labels, _ORGANS, 2)
    assert labels.ravel().tolist() == [1, 1, 0, 0, 2, 2, 2, 0, 0]


def test_largest_object_of_the_named_class_stays() -> None:
    labels = np.array([[[1, 1, 2, 0, 2, 2, 2, 0, 1]]], dtype=np.uint8)
    keep_largest(labels, _ORGANS, ("spleen",))
    assert labels.ravel().tolist() == [1, 1, 0, 0, 2, 2, 2, 0, 1]
    keep_largest(labels, _ORGANS, ("liver", "spleen"))
    assert labels.ravel().tolist() == [1, 1, 0, 0, 2, 2, 2, 0, 0]


def test_voxels_that_share_a_corner_are_one_object_of_the_largest() -> None:
    labels = np.zeros((3, 4, 5), dtype=np.uint8)
    labels[0, 0, 0] = labels[1, 1, 1] = labels[2, 3, 3] = labels[2, 3, 4] = labels[2, 2, 2] = 1
    labels[0, 3, 4] = 1
    keep_largest(labels, _ORGANS, ("liver",))
    assert np.argwhere(labels).tolist() == [[0, 0, 0], [1, 1, 1], [2, 2, 2], [2, 3, 3], [2, 3, 4]]


def test_image_without_the_class_is_left_alone() -> None:
    labels = np.full((2, 3, 4), 2, dtype=np.uint16)
    keep_largest(labels, _ORGANS, ("liver",))
    remove_small_objects(labels, _ORGANS, 3)
    assert (labels == 2).all()
