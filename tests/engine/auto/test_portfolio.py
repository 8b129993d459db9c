from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_medclf.domain.card import Task
from napari_medclf.domain.geometry import Geometry
from napari_medclf.domain.image import MedImage
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.engine.augment.intensity import change_intensity
from napari_medclf.engine.auto.portfolio import deep_names, has_classic_models, knows_bfloat16, tuned
from napari_medclf.engine.recipes.look import look_at
from napari_medclf.engine.recipes.registry import family


def planned(names, shape=(1, 28, 36), n_tones=200):
    tones = np.random.default_rng(0).integers(0, n_tones, shape).astype(np.uint8)
    image = MedImage(tones, Geometry.from_spacing(shape), "image")
    look = look_at(Task.CLASSIFY, LabelSchema.from_names(names), [image], n_train=100)
    return tuned(family("small-resnet").plan_with(look), look)


def test_what_is_mirrored_in_training_is_mirrored_in_use():
    recipe = planned(["benign", "malignant"])
    assert recipe.mirror_axes == recipe.augment.flip_axes == (1,)


@pytest.mark.parametrize("name", ["kidney-left", "Right lung", "femur (right)", "left"])
def test_classes_with_a_side_are_never_mirrored(name):
    recipe = planned([name, "other"])
    assert recipe.mirror_axes == recipe.augment.flip_axes == ()


@pytest.mark.parametrize("name", ["bright", "cleft palate", "alright"])
def test_a_side_is_a_word_of_its_own(name):
    assert planned([name, "other"]).mirror_axes == (1,)


def test_the_last_epoch_is_kept_as_the_best_of_many_is_luck():
    recipe = planned(["benign", "malignant"])
    assert (recipe.keep, recipe.patience) == ("last", 0)
    assert recipe.precision == ("bfloat16" if knows_bfloat16() else "float32")


def test_volumes_are_halved_at_once():
    assert planned(["a", "b"], (28, 28, 28)).network.arguments["conv1_t_stride"] == 2
    assert planned(["a", "b"]).network.arguments["conv1_t_stride"] == 1


def test_pictures_are_learned_apart_from_their_brightness_and_contrast():
    recipe = planned(["benign", "malignant"])
    assert recipe.input.intensity.kind == "zscore"
    assert recipe.augment.noise_sd == 0.2
    assert recipe.balance == 0


def test_a_shape_in_black_and_white_stays_as_it_is():
    recipe = planned(["a", "b"], (28, 28, 28), n_tones=2)
    assert recipe.input.intensity.kind == "range"
    image = torch.from_numpy(np.random.default_rng(0).integers(0, 2, (1, 1, 12, 20, 28)).astype(np.float32))
    assert torch.equal(change_intensity(image, recipe.augment, torch.Generator().manual_seed(0)), image)
    assert recipe.augment.rotate_deg > 0


def test_families_that_are_tried_are_in_the_registry():
    for task in Task:
        for name in deep_names(task):
            assert task in family(name).tasks
    assert deep_names(Task.CLASSIFY)
    assert has_classic_models(Task.CLASSIFY)
