from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_medclf.domain.card import Task
from napari_medclf.domain.errors import CardError
from napari_medclf.domain.geometry import Geometry
from napari_medclf.domain.image import ChannelKind, MedImage, Scale
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.engine.networks import build_network
from napari_medclf.engine.recipes.look import look_at
from napari_medclf.engine.recipes.outputs import n_outputs, with_outputs
from napari_medclf.engine.recipes.registry import default_family

ORGANS = LabelSchema.from_names(["liver", "spleen"], first_value=1)
FINDINGS = LabelSchema.from_names(["normal", "pneumonia", "other"])


def picture(rows=300, columns=400) -> MedImage:
    data = np.zeros((3, 1, rows, columns), np.uint8)
    return MedImage(data, Geometry.flat(rows, columns), "picture", channel_kind=ChannelKind.COLOUR)


def volume(shape=(40, 100, 90), spacing=(3.0, 1.0, 1.0), scale=Scale.HU) -> MedImage:
    data = np.random.default_rng(0).normal(40, 200, shape).astype(np.float32)
    return MedImage(data, Geometry.from_spacing(shape, spacing), "ct", modality="CT", scale=scale)


def _plan(task, schema, images):
    return default_family(task).plan_with(look_at(task, schema, images))


CASES = [
    (Task.SEGMENT, ORGANS, volume()),
    (Task.SEGMENT, ORGANS, volume(scale=Scale.RAW)),
    (Task.SEGMENT, ORGANS, picture()),
    (Task.SEGMENT, ORGANS, picture(20, 24)),
    (Task.INSTANCES, LabelSchema.from_names(["cell"], first_value=1), picture()),
    (Task.CLASSIFY, FINDINGS, picture()),
    (Task.CLASSIFY, FINDINGS, picture(28, 28)),
    (Task.CLASSIFY, FINDINGS, volume()),
]


@pytest.mark.parametrize(("task", "schema", "image"), CASES)
def test_planned_network_takes_its_patch_and_answers_for_every_class(task, schema, image):
    recipe = _plan(task, schema, [image])
    network = build_network(recipe.network)  # in training mode, where normalising needs two numbers at least
    with torch.inference_mode():
        answer = network(torch.zeros(2, len(recipe.input.channels), *recipe.input.patch_vox))
    assert answer.shape[1] == n_outputs(task, schema)
    assert task is Task.CLASSIFY or answer.shape[2:] == recipe.input.patch_vox


def test_volume_keeps_its_spacing_and_orientation():
    spec = _plan(Task.SEGMENT, ORGANS, [volume()]).input
    assert spec.spacing_mm == (3.0, 1.0, 1.0)
    assert spec.axis_codes == volume().geometry.axis_codes
    assert spec.modality == ("CT",)


def test_hounsfield_window_comes_from_the_images():
    intensity = _plan(Task.SEGMENT, ORGANS, [volume()]).input.intensity
    assert intensity.kind == "window"
    assert -550 < intensity.low < -400
    assert 500 < intensity.high < 630


def test_few_slices_are_seen_one_by_one():
    assert _plan(Task.SEGMENT, ORGANS, [volume(shape=(5, 100, 90))]).input.spatial_dims == 2


def test_bodies_are_not_mirrored():
    assert _plan(Task.SEGMENT, ORGANS, [volume()]).augment.flip_axes == ()


def test_plan_without_images_is_refused():
    with pytest.raises(CardError, match="without a single readable image"):
        _plan(Task.SEGMENT, ORGANS, [])


def test_recipe_of_another_dataset_gets_its_number_of_classes():
    network = _plan(Task.CLASSIFY, FINDINGS, [picture()]).network
    assert with_outputs(network, 7).arguments["num_classes"] == 7
    with pytest.raises(CardError, match="out_channels"):
        with_outputs(network.model_copy(update={"arguments": {}}), 7)
