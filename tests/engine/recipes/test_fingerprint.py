from __future__ import annotations

import numpy as np

from napari_medclf.domain.card import Task
from napari_medclf.domain.geometry import Geometry
from napari_medclf.domain.image import MedImage, Scale
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.engine.recipes.fingerprint import take_fingerprint
from napari_medclf.engine.recipes.look import look_at
from napari_medclf.engine.recipes.registry import family

ORGANS = LabelSchema.from_names(["liver"], first_value=1)


def ct(spacing_mm: tuple[float, float, float], shape=(20, 80, 70), *, liver_hu: float = 60.0):
    labels = np.zeros(shape, np.uint8)
    labels[5:9, 20:40, 10:30] = 1
    data = np.where(labels > 0, liver_hu, -900.0) + np.random.default_rng(0).normal(0, 10, shape)
    geometry = Geometry.from_spacing(shape, spacing_mm)
    return MedImage(data.astype(np.float32), geometry, "ct", modality="CT", scale=Scale.HU), labels


def fingerprint_of(*cases):
    images, labels = zip(*cases, strict=True)
    return take_fingerprint(look_at(Task.SEGMENT, ORGANS, images, n_train=len(images), labels=labels))


def test_intensity_of_ct_is_that_of_the_foreground():
    found = fingerprint_of(ct((3, 1, 1))).intensity
    assert found.kind == "clip"
    assert abs(found.mean[0] - 60) < 2
    assert abs(found.std[0] - 10) < 1
    assert 25 < found.low < 45
    assert 75 < found.high < 95


def test_spacing_is_the_median_and_that_of_the_worst_axis_its_tenth_percentile():
    found = fingerprint_of(*(ct((k, 1.0, 0.9)) for k in (3.5, 5.0, 5.0, 6.0)))
    assert found.spacing_mm[1:] == (1.0, 0.9)
    assert abs(found.spacing_mm[0] - np.percentile([3.5, 5, 5, 6], 10)) < 1e-3
    assert found.is_anisotropic


def test_isotropic_images_take_the_median_of_every_axis():
    assert fingerprint_of(*(ct((k, 1.0, 1.0)) for k in (1.0, 1.2, 2.0))).spacing_mm == (1.2, 1.0, 1.0)


def test_image_without_foreground_counts_as_a_whole():
    image, _ = ct((3, 1, 1))
    assert fingerprint_of((image, np.zeros(image.geometry.shape, np.uint8))).intensity.mean[0] < -500


def test_kernels_do_not_look_along_long_voxels_at_first():
    image, labels = ct((5.0, 0.8, 0.8), (26, 160, 160))
    recipe = family("dynunet").plan_with(look_at(Task.SEGMENT, ORGANS, [image], n_train=20, labels=[labels]))
    assert recipe.network.arguments["kernel_size"][0] == [1, 3, 3]
    assert recipe.network.arguments["strides"][1] == [1, 2, 2]
    assert recipe.input.intensity.kind == "clip"


def test_large_plan_is_nnunets_training():
    image, labels = ct((1.0, 0.8, 0.8), (150, 300, 300))
    recipe = family("dynunet-large").plan_with(look_at(Task.SEGMENT, ORGANS, [image], n_train=100, labels=[labels]))
    assert np.prod(recipe.input.patch_vox) <= 128**3
    assert min(recipe.input.patch_vox) >= 80
    assert (recipe.batch, recipe.samples_per_epoch) == (2, 500)
    assert (recipe.optimiser.kind, recipe.optimiser.momentum, recipe.schedule.kind) == ("sgd", 0.99, "poly")
    assert recipe.network.arguments["filters"] == [32, 64, 128, 256, 320, 320]
