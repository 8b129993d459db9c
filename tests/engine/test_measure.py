"""Sizes of classes and objects in the units of the patient."""

from __future__ import annotations

import numpy as np
import pytest

from napari_medclf.domain.geometry import Geometry
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.results import Segmentation
from napari_medclf.engine.measure import class_volumes, measure, object_sizes
from napari_medclf.testing.phantoms import brain_phantom, cells_phantom


def test_volume_of_a_class_is_in_millilitres() -> None:
    truth = brain_phantom().truth
    rows = {row.class_name: row for row in measure(truth)}
    n_vox = truth.count("anterior")
    assert rows["anterior"].n_vox == n_vox
    assert rows["anterior"].as_row()["volume_ml"] == pytest.approx(n_vox * 1.5 / 1000)


def test_absent_class_has_no_volume() -> None:
    schema = LabelSchema.from_names(["liver", "spleen"], first_value=1)
    labels = np.zeros((2, 3, 4), dtype=np.uint8)
    labels[0] = 2
    rows = class_volumes(Segmentation(labels, Geometry.from_spacing((2, 3, 4), (10.0, 10.0, 10.0)), schema))
    assert [(row.class_name, row.size) for row in rows] == [("liver", 0), ("spleen", pytest.approx(12))]


def test_objects_of_a_picture_without_scale_are_counted_in_pixels() -> None:
    truth = cells_phantom().truth
    rows = object_sizes(truth)
    assert [row.index for row in rows] == list(range(1, int(truth.labels.max()) + 1))
    assert rows[0].as_row() == {
        "index": 1,
        "class": "nucleus",
        "n_vox": int((truth.labels == 1).sum()),
        "area_px": float((truth.labels == 1).sum()),
    }
    assert class_volumes(truth)[0].n_vox == sum(row.n_vox for row in rows)


def test_picture_with_scale_is_measured_in_square_millimetres() -> None:
    labels = np.ones((1, 3, 4), dtype=np.uint8)
    geometry = Geometry.from_spacing((1, 3, 4), (5.0, 0.5, 0.25))
    (row,) = measure(Segmentation(labels, geometry, LabelSchema.from_names(["bone"], first_value=1)))
    assert row.as_row()["area_mm2"] == pytest.approx(12 * 0.125)


@pytest.mark.parametrize("numbers", [[0, 3, 700], [0, 5, 10**9]])
def test_objects_are_counted_whatever_numbers_they_have(numbers: list[int]) -> None:
    labels = np.random.default_rng(0).choice(np.array(numbers, dtype=np.int32), size=(3, 12, 20), p=[0.5, 0.3, 0.2])
    schema = LabelSchema.from_names(["nucleus"], first_value=1)
    geometry = Geometry.from_spacing(labels.shape, (1.0, 1.0, 1.0))
    rows = object_sizes(Segmentation(labels, geometry, schema, is_instances=True))
    assert {row.index: row.n_vox for row in rows} == {one: int((labels == one).sum()) for one in numbers[1:]}
