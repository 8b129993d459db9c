"""Changes stay where the batch lies; torch's meta device stands for an accelerator: it refuses tensors of the CPU."""

from __future__ import annotations

import pytest
import torch

from napari_medclf.domain.recipe import AugmentSettings
from napari_medclf.engine.augment import artefacts, intensity
from napari_medclf.engine.augment.mix import cut_mix, mix_up, paste_objects
from napari_medclf.engine.augment.patch import LabelledImage, take_patch
from napari_medclf.engine.augment.sampler import move_images
from napari_medclf.engine.augment.warp import random_affine

SHAPES = [(3, 2, 16, 20), (2, 1, 8, 12, 10)]


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def elsewhere(*shape: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    return torch.empty(*shape, dtype=dtype, device="meta")


def test_meta_device_refuses_tensors_of_the_cpu():
    with pytest.raises(RuntimeError):
        elsewhere(3) + torch.ones(3)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(
    "settings",
    [
        {"gain": 0.5}, {"bias": 0.5}, {"channel_gain": 0.5}, {"gamma": 0.5}, {"blur_vox": 1.0}, {"cutout": 0.8},
        {"invert_probability": 1.0},
    ],
    ids=lambda one: next(iter(one)),
)  # fmt: skip
def test_changes_of_intensity_stay_on_the_device(shape, settings):
    changed = intensity.change_intensity(elsewhere(*shape), AugmentSettings(**settings), generator())
    assert (changed.device.type, changed.shape) == ("meta", shape)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("change", [artefacts.bias_field, artefacts.ghost, artefacts.coarsen, artefacts.jitter_window])
def test_artefacts_stay_on_the_device(shape, change):
    changed = change(elsewhere(*shape), 0.4, generator())
    assert (changed.device.type, changed.shape) == ("meta", shape)


@pytest.mark.parametrize("shape", SHAPES)
def test_moves_and_mixes_stay_on_the_device_and_targets_on_theirs(shape):
    settings = AugmentSettings(rotate_deg=10, elastic_vox=1, shift=0.1)
    assert move_images(elsewhere(*shape), settings, generator()).device.type == "meta"
    for mix in (mix_up, cut_mix):
        mixed, targets = mix(elsewhere(*shape), torch.eye(len(torch.empty(shape))), 1.0, generator())
        assert (mixed.device.type, targets.device.type) == ("meta", "cpu")
    marks = elsewhere(shape[0], *shape[2:], dtype=torch.uint8)
    for one in paste_objects(elsewhere(*shape), marks, elsewhere(*marks.shape), 1.0, generator()):
        assert one.device.type == "meta"


def test_patches_stay_on_the_device():
    source = LabelledImage(elsewhere(1, 12, 20, 28), elsewhere(12, 20, 28, dtype=torch.uint8), elsewhere(12, 20, 28))
    turned = random_affine(1, AugmentSettings(rotate_deg=10), (1.0,) * 3, generator())[0]
    for matrix in (torch.eye(3), turned):
        for part in take_patch(source, torch.tensor([5.0, 9.0, 12.0]), matrix, (6, 6, 6)):
            assert part.device.type == "meta"
