from __future__ import annotations

import pytest
import torch

from napari_medclf.domain.recipe import AugmentSettings
from napari_medclf.engine.augment.artefacts import add_artefacts, bias_field, coarsen, ghost, jitter_window

SHAPES = [(5, 2, 24, 32), (4, 1, 12, 20, 28)]
CHANGES = [bias_field, ghost, coarsen, jitter_window]


def generator(seed: int = 3) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def images(*shape: int) -> torch.Tensor:
    return torch.rand(*shape, generator=generator(0))


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("shape", SHAPES)
def test_same_generator_gives_the_same_change_of_the_same_shape(change, shape):
    batch = images(*shape)
    first, again, other = (change(batch, 0.4, generator(seed)) for seed in (1, 1, 2))
    assert first.shape == batch.shape
    assert first.dtype == torch.float32
    assert torch.isfinite(first).all()
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@pytest.mark.parametrize("name", ["mr_bias", "ghosting", "low_resolution", "window_jitter"])
def test_some_images_of_a_batch_are_changed_and_the_others_not_at_all(name):
    batch = images(40, 1, 16, 16)
    settings = AugmentSettings(**{name: 0.4}, artefact_probability=0.5)
    is_same = (add_artefacts(batch, settings, generator()) == batch).flatten(1).all(1)
    assert 5 < int(is_same.sum()) < 35
    never = AugmentSettings(**{name: 0.4}, artefact_probability=0.0)
    assert torch.equal(add_artefacts(batch, never, generator()), batch)


def test_coil_field_is_smooth_and_stays_within_its_largest_factor():
    flat = torch.ones(3, 1, 24, 32)
    flat[:, :, 0, 0] = 0.0
    field = bias_field(flat, 0.5, generator())
    assert field[:, :, 0, 0].eq(0).all()
    inside = field[:, :, 1:, 1:]
    assert 0.45 < inside.log().abs().max() < 0.7
    assert inside.diff(dim=-1).abs().max() < 0.2


def test_ghosts_repeat_a_bright_spot_along_one_axis_and_keep_the_brightness():
    image = torch.zeros(1, 1, 60, 60)
    image[..., 30, 30] = 1.0
    for seed in range(8):
        changed = ghost(image, 1.0, generator(seed))
        torch.testing.assert_close(changed.sum(), image.sum(), atol=1e-4, rtol=0)
        rows, columns = (changed[0, 0].abs() > 1e-3).nonzero().T
        assert len(rows) > 1
        assert len(set(rows.tolist())) == 1 or len(set(columns.tolist())) == 1


def test_coarse_voxels_keep_the_mean_and_lose_detail():
    batch = images(2, 1, 32, 48)
    changed = [coarsen(batch, 3.0, generator(seed)) for seed in range(10)]
    for one in changed:
        torch.testing.assert_close(one.mean((2, 3)), batch.mean((2, 3)), atol=0.02, rtol=0)
    assert sum(float(one.std()) < 0.8 * float(batch.std()) for one in changed) > 5


def test_another_window_cuts_off_at_its_edges():
    ramp = torch.linspace(0, 1, 101).view(1, 1, 1, 101)
    changed = jitter_window(ramp, 0.3, generator(1))
    assert changed.amin() >= 0
    assert changed.amax() <= 1
    inside = (changed > 0) & (changed < 1)
    slopes = changed[inside].diff()
    torch.testing.assert_close(slopes, slopes[0].expand_as(slopes), atol=1e-4, rtol=0)
