from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_medclf.domain.recipe import AugmentSettings
from napari_medclf.engine.augment.warp import random_affine, random_bend, sampling_grid, take


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(3)


def numbered(*shape: int) -> torch.Tensor:
    return torch.arange(int(np.prod(shape)), dtype=torch.float32).reshape(1, 1, *shape)


def test_no_change_takes_exactly_the_patch():
    volume = numbered(12, 20, 28)
    matrices = random_affine(1, AugmentSettings(), (1.0, 1.0, 1.0), generator())
    grid = sampling_grid(torch.tensor([[5.0, 9.0, 13.0]]), matrices, (4, 6, 8), (12, 20, 28))
    patch = take(volume, grid)
    torch.testing.assert_close(patch, volume[:, :, 3:7, 6:12, 9:17], atol=1e-2, rtol=0)


def test_quarter_turns_and_flips_are_exact_and_keep_labels_on_their_voxels():
    image = numbered(9, 9)
    settings = AugmentSettings(quarter_turns=True, flip_axes=(0, 1))
    random, seen = generator(), set()
    for _ in range(40):
        matrices = random_affine(1, settings, (1.0, 1.0), random)
        grid = sampling_grid(torch.tensor([[4.0, 4.0]]), matrices, (9, 9), (9, 9))
        turned = take(image, grid)[0, 0].numpy()
        nearest = take(image, grid, is_nearest=True)[0, 0].numpy()
        np.testing.assert_allclose(turned, nearest, atol=1e-3)
        seen.add(nearest.tobytes())
    plain = image[0, 0].numpy()
    expected = {np.rot90(one, n).tobytes() for one in (plain, plain[::-1]) for n in range(4)}
    assert seen == expected


def test_turn_is_a_turn_in_millimetres():
    settings = AugmentSettings(rotate_deg=40)
    matrix = random_affine(1, settings, (3.0, 1.0, 0.5), generator())[0]
    size = torch.diag(torch.tensor([3.0, 1.0, 0.5]))
    in_mm = size @ matrix @ torch.linalg.inv(size)
    torch.testing.assert_close(in_mm @ in_mm.T, torch.eye(3), atol=1e-5, rtol=0)
    assert not torch.allclose(matrix, torch.eye(3))


def test_labels_move_with_the_image():
    image = torch.zeros(1, 1, 40, 40)
    image[..., 10:30, 14:24] = 1.0
    settings = AugmentSettings(rotate_deg=30, scale=0.2, shear=0.1)
    matrices = random_affine(1, settings, (1.0, 1.0), generator())
    bend = random_bend(1, (40, 40), 2.0, generator())
    grid = sampling_grid(torch.tensor([[20.0, 20.0]]), matrices, (40, 40), (40, 40), bend)
    moved, labels = take(image, grid), take(image, grid, is_nearest=True)
    assert ((moved > 0.5) == (labels == 1)).float().mean() > 0.98
    assert not torch.equal(labels, image)


@pytest.mark.parametrize(("outside", "expected"), [("zeros", 0.0), ("border", 7.0)])
def test_beyond_the_image_is_zero_or_its_edge(outside, expected):
    image = torch.full((1, 1, 4, 4), 7.0)
    grid = sampling_grid(torch.tensor([[20.0, 2.0]]), torch.eye(2)[None], (4, 4), (4, 4))
    assert torch.all(take(image, grid, outside=outside) == expected)


def test_single_slice_axis_is_taken_as_it_is():
    image = numbered(1, 6, 6)
    grid = sampling_grid(torch.tensor([[0.0, 3.0, 3.0]]), torch.eye(3)[None], (1, 6, 6), (1, 6, 6))
    torch.testing.assert_close(take(image, grid), image, atol=1e-4, rtol=0)


@pytest.mark.parametrize("sd_vox", [1.0, 3.0])
@pytest.mark.parametrize("patch", [(96, 128), (32, 48, 40)])
def test_bend_is_as_large_as_asked_for_and_folds_nothing(patch, sd_vox):
    bend = random_bend(8, patch, sd_vox, generator())
    assert bend.shape == (8, *patch, len(patch))
    assert 0.4 * sd_vox < float(bend.std()) < 1.2 * sd_vox
    for axis in range(len(patch)):
        # A displacement that falls by a voxel a voxel takes two neighbours from one place.
        assert (bend[..., axis].diff(dim=1 + axis) > -1).float().mean() > 0.999
    assert random_bend(8, patch, 0.0, generator()) is None
