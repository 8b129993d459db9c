from __future__ import annotations

import pytest
import torch

from napari_medclf.domain.recipe import AugmentSettings
from napari_medclf.engine.augment.intensity import change_intensity

CHANGES = [
    {"gain": 0.5},
    {"bias": 0.5},
    {"channel_gain": 0.5},
    {"gamma": 0.5},
    {"noise_sd": 0.5},
    {"blur_vox": 2.0},
    {"cutout": 0.8},
    {"invert_probability": 1.0},
]


def images(*shape: int) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(0))


def changed(batch: torch.Tensor, seed: int = 1, **settings) -> torch.Tensor:
    return change_intensity(batch, AugmentSettings(**settings), torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("shape", [(3, 2, 12, 20), (2, 1, 8, 12, 10)])
@pytest.mark.parametrize("settings", CHANGES, ids=lambda one: next(iter(one)))
def test_each_change_changes_images_and_stays_finite(shape, settings):
    batch = images(*shape)
    result = changed(batch, **settings)
    assert result.shape == batch.shape
    assert torch.isfinite(result).all()
    assert not torch.equal(result, batch)


@pytest.mark.parametrize("settings", CHANGES, ids=lambda one: next(iter(one)))
def test_same_generator_gives_the_same_images(settings):
    batch = images(2, 3, 16, 16)
    assert torch.equal(changed(batch, **settings), changed(batch, **settings))
    assert not torch.equal(changed(batch, **settings), changed(batch, seed=2, **settings)) or "invert_probability" in (
        settings
    )


def test_nothing_asked_for_changes_nothing():
    batch = images(2, 3, 16, 16)
    assert torch.equal(changed(batch), batch)


def test_gamma_keeps_black_and_white():
    batch = images(2, 1, 16, 16)
    result = changed(batch, gamma=1.0)
    torch.testing.assert_close(result.amin((1, 2, 3)), batch.amin((1, 2, 3)))
    torch.testing.assert_close(result.amax((1, 2, 3)), batch.amax((1, 2, 3)))


def test_blur_keeps_the_mean_of_a_flat_image_and_softens_a_step():
    flat = torch.full((1, 1, 16, 16), 0.7)
    torch.testing.assert_close(changed(flat, blur_vox=3.0), flat)
    step = torch.zeros(1, 1, 16, 16)
    step[..., 8:] = 1.0
    assert changed(step, blur_vox=3.0).diff(dim=-1).max() < 1.0


def test_invert_turns_bright_into_dark():
    batch = images(1, 1, 8, 8)
    result = changed(batch, invert_probability=1.0)
    assert result.argmax() == batch.argmin()
