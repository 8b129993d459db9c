"""A detector is planned from the boxes of the training images."""

from __future__ import annotations

import numpy as np
import pytest

from napari_medclf.domain.card import Task
from napari_medclf.domain.errors import CardError
from napari_medclf.domain.geometry import Geometry, Unit
from napari_medclf.domain.image import MedImage
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.engine.recipes.look import DataLook, look_at
from napari_medclf.engine.recipes.registry import default_family

_SCHEMA = LabelSchema.from_names(["cell", "clump"], first_value=1)


def _look(shape, spacing, unit: Unit, edges) -> DataLook:
    """Three images with one box of those edges in each."""
    geometry = Geometry.from_spacing(shape, spacing, unit=unit)
    images = [MedImage(np.zeros(shape, np.uint8), geometry, f"image {n}") for n in range(3)]
    box = np.array([[[0.0, 0.0, 0.0], edges]])
    return look_at(Task.DETECT, _SCHEMA, images, n_train=3, boxes=[box] * 3)


def _plan(look: DataLook):
    return default_family(Task.DETECT).plan_with(look)


def test_large_objects_are_seen_small():
    recipe = _plan(_look((1, 400, 600), (1.0, 1.0, 1.0), Unit.PIXEL, [1.0, 100.0, 100.0]))
    assert recipe.input.resize_to == (80, 120)
    assert recipe.input.patch_vox == (80, 128)
    assert recipe.network.arguments["base_anchor_shapes"] == [[20.0, 20.0]]


def test_small_objects_are_enlarged_twice_at_most():
    recipe = _plan(_look((1, 100, 150), (1.0, 1.0, 1.0), Unit.PIXEL, [1.0, 5.0, 5.0]))
    assert recipe.input.resize_to == (200, 300)


def test_thick_slices_are_cut_finer():
    recipe = _plan(_look((30, 200, 200), (4.0, 0.5, 0.5), Unit.MILLIMETRE, [5.0, 60.0, 60.0]))
    assert recipe.input.spatial_dims == 3
    assert recipe.input.spacing_mm == (2.0, 1.5, 1.5)  # not finer than half of what is there
    assert all(size % 16 == 0 for size in recipe.input.patch_vox)
    assert recipe.augment.flip_axes == ()


def test_images_without_a_box_are_no_ground_for_anchors():
    look = _look((1, 100, 150), (1.0, 1.0, 1.0), Unit.PIXEL, [1.0, 5.0, 5.0])
    empty = DataLook(**{**look.__dict__, "boxes": (np.zeros((0, 2, 3)),) * 3})
    with pytest.raises(CardError, match="no anchors can be chosen"):
        _plan(empty)
