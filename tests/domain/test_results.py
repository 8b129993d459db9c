"""Labels lie on a grid and mean something."""

from __future__ import annotations

import numpy as np
import pytest

from napari_medclf.domain.errors import GridError, SchemaError
from napari_medclf.domain.geometry import Geometry
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.results import Classification, Segmentation

GRID = Geometry.from_spacing((2, 3, 4))
SCHEMA = LabelSchema.from_names(["tumour"], first_value=1)


def test_voxels_of_a_class_are_counted():
    labels = np.zeros((2, 3, 4), dtype=np.uint8)
    labels[1, 2, :3] = 1
    assert Segmentation(labels, GRID, SCHEMA).count("tumour") == 3


def test_labels_of_another_shape_are_refused():
    with pytest.raises(GridError, match=r"\(2, 4, 3\)"):
        Segmentation(np.zeros((2, 4, 3), dtype=np.uint8), GRID, SCHEMA)


def test_probabilities_are_no_labels():
    with pytest.raises(SchemaError, match="float64"):
        Segmentation(np.zeros((2, 3, 4)), GRID, SCHEMA)


def test_value_without_a_class_is_refused_unless_it_numbers_objects():
    labels = np.full((2, 3, 4), 9, dtype=np.int32)
    with pytest.raises(SchemaError, match=r"\[9\]"):
        Segmentation(labels, GRID, SCHEMA)
    assert Segmentation(labels, GRID, SCHEMA, is_instances=True).labels.max() == 9


def test_top_class_has_the_highest_score():
    assert Classification({"normal": 0.2, "pneumonia": 0.8}, ("pneumonia",)).top_class == "pneumonia"
