"""Every family plans for any data, and its network takes what the plan says and answers for every class."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_medclf.domain.card import Task
from napari_medclf.domain.errors import OptionError
from napari_medclf.domain.geometry import Geometry
from napari_medclf.domain.image import ChannelKind, MedImage
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.recipe import Recipe
from napari_medclf.engine.networks import build_network
from napari_medclf.engine.recipes.families import attention, cnn, segmenters, self_configured, small
from napari_medclf.engine.recipes.look import look_at
from napari_medclf.engine.recipes.outputs import n_outputs, with_outputs, with_size
from napari_medclf.engine.recipes.registry import family
from napari_medclf.engine.train.objectives.base import float_answers

SCHEMA = LabelSchema.from_names(["cyst", "stone", "tumour"], first_value=1)
_HEAVY = {"dynunet-large": {3}, "resnet34": {3}, "resnet50": {3}, "densenet121": {3}, "vgg11": {3}}
"""Built in the other dimension only, where they take a fraction of a second."""
FAMILIES = [one for module in (small, cnn, attention, segmenters, self_configured) for one in module.FAMILIES]
CASES = [
    (one, dims, one.tasks[0])
    for one in FAMILIES
    for dims in one.spatial_dims
    if dims not in _HEAVY.get(one.name, set())
]


def look(task: Task, dims: int, *, is_colour: bool = False):
    random = np.random.default_rng(0)
    if dims == 2:
        data = random.integers(0, 255, (3, 1, 40, 28) if is_colour else (1, 40, 28), np.uint8)
        kind = ChannelKind.COLOUR if is_colour else ChannelKind.NONE
        image = MedImage(data, Geometry.flat(40, 28), "picture", channel_kind=kind)
    else:
        data = random.normal(100, 20, (16, 40, 28)).astype(np.float32)
        image = MedImage(data, Geometry.from_spacing((16, 40, 28), (3.0, 1.0, 1.0)), "volume", modality="MR")
    labels = np.zeros(image.geometry.shape, np.uint8)
    labels[:, 5:9, 6:20] = 2
    return look_at(task, SCHEMA, [image], n_train=50, labels=[labels])


@pytest.mark.parametrize(("one", "dims", "task"), CASES, ids=[f"{one.name}-{dims}d" for one, dims, _ in CASES])
def test_planned_network_takes_its_patch_and_answers_for_every_class(one, dims, task):
    recipe = one.plan_with(look(task, dims, is_colour=dims == 2))
    assert Recipe.model_validate_json(recipe.model_dump_json()) == recipe
    network = build_network(recipe.network)
    x = torch.rand(2, len(recipe.input.channels), *recipe.input.patch_vox)
    n = n_outputs(task, SCHEMA)
    with torch.no_grad():
        answers = float_answers(network, x)
        used = network.eval()(x)
    used = used[0] if isinstance(used, (tuple, list)) else used
    size = () if task is Task.CLASSIFY else recipe.input.patch_vox
    assert answers[0].shape == used.shape == (2, n, *size)
    if one.name == "res-unet":
        assert len(answers) > 1


@pytest.mark.parametrize("one", FAMILIES, ids=lambda one: one.name)
def test_explained_arguments_are_arguments(one):
    dims = one.spatial_dims[0]
    arguments = one.plan_with(look(one.tasks[0], dims)).network.arguments
    assert set(one.arguments) <= set(arguments) | {"res_block"}


@pytest.mark.parametrize("one", [one for one in FAMILIES if Task.CLASSIFY in one.tasks], ids=lambda one: one.name)
def test_network_can_be_given_another_number_of_classes(one):
    network = one.plan_with(look(Task.CLASSIFY, one.spatial_dims[0])).network
    assert 7 in with_outputs(network, 7).arguments.values()


def test_network_of_one_size_follows_the_input():
    recipe = family("vit").plan_with(look(Task.CLASSIFY, 2))
    changed = recipe.input.model_copy(update={"resize_to": (24, 32), "patch_vox": (24, 32)})
    assert with_size(recipe.network, changed).arguments["img_size"] == [24, 32]


def test_small_pictures_are_enlarged_for_networks_that_halve_often():
    assert family("densenet121").plan_with(look(Task.CLASSIFY, 2)).input.patch_vox == (91, 64)
    assert family("efficientnet-b0").plan_with(look(Task.CLASSIFY, 3)).input.patch_vox == (32, 48, 34)
    assert max(family("resnet18").plan_with(look(Task.CLASSIFY, 2)).input.patch_vox) == 40


def test_stack_of_few_slices_is_a_film_for_a_network_with_memory():
    flat = look(Task.CLASSIFY, 3)
    short = look_at(
        Task.CLASSIFY,
        SCHEMA,
        [MedImage(np.zeros((5, 40, 28), np.uint8), Geometry.from_spacing((5, 40, 28), (8.0, 1.0, 1.0)), "cine")],
    )
    assert short.spatial_dims == 2
    assert family("cnn-gru").plan_with(short).input.spatial_dims == 3
    assert family("cnn-gru").plan_with(flat).input.patch_vox[0] == 16


def test_flat_picture_is_refused_where_a_volume_is_needed():
    with pytest.raises(OptionError, match="acs-resnet18 is for volumes"):
        family("acs-resnet18").plan_with(look(Task.CLASSIFY, 2))


def test_numbers_are_not_mixed_smoothed_or_erased():
    recipe = family("resnet18").plan_with(look(Task.REGRESS, 2))
    assert (recipe.mixup_alpha, recipe.loss.label_smoothing, recipe.balance, recipe.augment.cutout) == (0, 0, 0, 0)
