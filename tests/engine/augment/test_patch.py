from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.ndimage import map_coordinates

from napari_medclf.domain.recipe import AugmentSettings
from napari_medclf.engine.augment.patch import LabelledImage, take_patch
from napari_medclf.engine.augment.warp import random_affine, random_bend


def generator(seed: int = 3) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def source(*shape: int) -> LabelledImage:
    random = generator(0)
    labels = torch.randint(0, 4, shape, generator=random).byte()
    return LabelledImage(torch.rand(2, *shape, generator=random), labels, 1 + labels.float())


def positions(centre, matrix, patch, bend) -> np.ndarray:
    """Where each voxel of the patch comes from: (d, *patch)."""
    offsets = np.stack(np.meshgrid(*(np.arange(n) - n // 2 for n in patch), indexing="ij"), -1)
    where = offsets @ matrix.numpy().T + centre.numpy()
    return np.moveaxis(where if bend is None else where + bend.numpy(), -1, 0)


@pytest.mark.parametrize(("shape", "patch"), [((30, 41), (16, 24)), ((12, 20, 28), (8, 24, 10))])
@pytest.mark.parametrize("bend_vox", [0.0, 1.5])
@pytest.mark.parametrize("place", [0.5, 0.05])
def test_patch_is_what_scipy_interpolates(shape, patch, bend_vox, place):
    settings = AugmentSettings(rotate_deg=40, scale=0.3, shear=0.2, flip_axes=(0, 1))
    image, centre = source(*shape), torch.tensor([round(place * n) for n in shape]).float()
    matrix = random_affine(1, settings, (2.0, 1.0, 0.5)[: len(shape)], generator())[0]
    bend = random_bend(1, patch, bend_vox, generator())
    bend = None if bend is None else bend[0]
    taken, labels, weight = take_patch(image, centre, matrix, patch, bend)
    where = positions(centre, matrix, patch, bend)
    for channel in range(2):
        padded = np.pad(image.image[channel].numpy(), 1)
        expected = map_coordinates(padded, where + 1, order=1, mode="constant")
        np.testing.assert_allclose(taken[channel].numpy(), expected, atol=2e-4)
    nearest = map_coordinates(image.labels.numpy(), np.rint(where), order=0, mode="constant")
    assert (labels.numpy() == nearest).mean() > 0.999  # half-way positions may round either way
    is_inside = np.all([(one > -0.49) & (one < n - 0.51) for one, n in zip(where, shape, strict=True)], axis=0)
    assert (weight.numpy()[is_inside] == 1 + labels.numpy()[is_inside]).all()
    is_beyond = np.any([(one < -0.51) | (one > n - 0.49) for one, n in zip(where, shape, strict=True)], axis=0)
    assert (weight.numpy()[is_beyond] == 0).all()


def test_flips_and_quarter_turns_are_copied_exactly():
    image = source(20, 28)
    settings = AugmentSettings(flip_axes=(0, 1), quarter_turns=True)
    for matrix in random_affine(30, settings, (1.0, 1.0), generator()):
        centre = torch.tensor([3.0, 14.0])
        patch, labels, weight = take_patch(image, centre, matrix, (12, 16))
        where = positions(centre, matrix, (12, 16), None).round().astype(int)
        inside = np.all([(one >= 0) & (one < n) for one, n in zip(where, (20, 28), strict=True)], axis=0)
        clipped = tuple(np.clip(one, 0, n - 1) for one, n in zip(where, (20, 28), strict=True))
        np.testing.assert_array_equal(patch[1].numpy(), image.image[1].numpy()[clipped] * inside)
        np.testing.assert_array_equal(labels.numpy(), image.labels.numpy()[clipped] * inside)
        np.testing.assert_array_equal(weight.numpy(), image.weight.numpy()[clipped] * inside)


def test_patch_that_lies_wholly_beside_the_image_is_empty():
    settings = AugmentSettings(rotate_deg=20)
    for matrix in (torch.eye(3), random_affine(1, settings, (1.0,) * 3, generator())[0]):
        for part in take_patch(source(12, 20, 28), torch.tensor([40.0, 40.0, 60.0]), matrix, (6, 6, 6)):
            assert not part.any()


def test_volume_of_one_slice_fills_the_patch_either_way():
    image = source(1, 20, 28)
    matrix = random_affine(1, AugmentSettings(rotate_deg=5), (1.0,) * 3, generator())[0]
    for turned in (torch.eye(3), matrix):
        _, _, weight = take_patch(image, torch.tensor([0.0, 10.0, 14.0]), turned, (4, 6, 6))
        assert (weight > 0).all()
