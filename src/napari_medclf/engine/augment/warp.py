"""Crop, turn, bend and flip in one interpolation: where every voxel of a patch is taken from."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import torch
from torch import Generator, Tensor
from torch.nn.functional import grid_sample, interpolate

from napari_medclf.domain.recipe import AugmentSettings
from napari_medclf.engine.augment.draw import uniform

_BEND_STEP_VOX = 16
"""Least distance of the random displacements between which a bend is interpolated."""
_STEP_PER_SD = 8
"""That distance in standard deviations of the bend: so far apart, neighbours hardly ever change places."""


def random_affine(n: int, settings: AugmentSettings, spacing: Sequence[float], generator: Generator) -> Tensor:
    """Draw the matrices that map offsets in the patch to offsets in the image, both in voxels.

    Parameters
    ----------
    n : int
        How many.
    spacing : sequence of float
        Size of a voxel along each axis: a turn is a turn in millimetres, also on anisotropic grids.

    Returns
    -------
    (n, d, d) float32
        Identities where nothing is to be moved.
    """
    n_dims = len(spacing)
    moved = _turn(n, settings.rotate_deg, n_dims, generator) @ _deform(n, settings, n_dims, generator)
    size = torch.tensor(list(spacing), dtype=torch.float32)
    moved = moved * size[None, None, :] / size[None, :, None]
    is_moved = torch.rand(n, 1, 1, generator=generator) < settings.affine_probability
    matrices = torch.where(is_moved, moved, torch.eye(n_dims))
    if settings.quarter_turns:
        matrices = matrices @ _quarter_turn(n, n_dims, generator)
    return matrices @ _flip(n, settings.flip_axes, n_dims, generator)


def sampling_grid(
    centres: Tensor, matrices: Tensor, patch: Sequence[int], shape: Sequence[int], bend: Tensor | None = None
) -> Tensor:
    """Say from where in its image each voxel of a patch is taken.

    Parameters
    ----------
    centres : (n, d)
        Image position, in voxels, of the patch voxel at index ``size // 2``.
    matrices : (n, d, d)
        From `random_affine`.
    shape : (d,)
        Of the images.
    bend : (n, *patch, d) or None
        Displacements in voxels, from `random_bend`.

    Returns
    -------
    (n, *patch, d) float32
        As `torch.nn.functional.grid_sample` takes it with ``align_corners``: last axis first, -1 to 1.
    """
    # An axis of one voxel has no extent: every position on it is that voxel.
    extent = torch.tensor([max(size - 1, 1) for size in shape], dtype=torch.float32)
    first = torch.tensor([float(size > 1) for size in shape])
    moved = torch.cat([matrices.mT, centres[:, None]], 1) * (2 / extent)
    moved[:, -1] -= first
    grid = (_offsets(tuple(patch)) @ moved.flip(-1)).view(len(centres), *patch, len(patch))
    return grid if bend is None else grid + (bend * (2 / extent)).flip(-1)


def random_bend(n: int, patch: Sequence[int], sd_vox: float, generator: Generator) -> Tensor | None:
    """Draw smooth displacements (n, *patch, d) in voxels with a standard deviation; None where that is 0."""
    if sd_vox == 0:
        return None
    step = max(_BEND_STEP_VOX, _STEP_PER_SD * sd_vox)
    knots = [max(round(size / step), 1) + 1 for size in patch]
    noise = torch.randn(n, len(patch), *knots, generator=generator)
    mode = "bicubic" if len(patch) == 2 else "trilinear"
    return interpolate(noise, size=list(patch), mode=mode, align_corners=True).movedim(1, -1) * sd_vox


def take(images: Tensor, grid: Tensor, *, is_nearest: bool = False, outside: str = "zeros") -> Tensor:
    """Sample images (N, C, *spatial) float32 at a grid (N, *patch, d) of `sampling_grid`.

    Parameters
    ----------
    outside : {"zeros", "border"}
        What lies beyond the image: 0, with which a tile is padded in use, or its edge going on.

    Returns
    -------
    (N, C, *patch) float32
    """
    mode = "nearest" if is_nearest else "bilinear"
    return grid_sample(images, grid.to(images.device), mode=mode, padding_mode=outside, align_corners=True)


@lru_cache(maxsize=8)
def _offsets(patch: tuple[int, ...]) -> Tensor:
    """Offsets of a patch's voxels from the one at ``size // 2``, and a 1: (voxels, d + 1)."""
    axes = [torch.arange(size, dtype=torch.float32) - size // 2 for size in patch]
    offsets = torch.stack(torch.meshgrid(*axes, indexing="ij"), -1).reshape(-1, len(patch))
    return torch.cat([offsets, torch.ones(len(offsets), 1)], 1)


def _turn(n: int, largest_deg: float, n_dims: int, generator: Generator) -> Tensor:
    matrices = torch.eye(n_dims).repeat(n, 1, 1)
    if largest_deg == 0:
        return matrices
    for a in range(n_dims):
        for b in range(a + 1, n_dims):
            angle = uniform((n,), -math.radians(largest_deg), math.radians(largest_deg), generator)
            turn = torch.eye(n_dims).repeat(n, 1, 1)
            turn[:, a, a] = turn[:, b, b] = angle.cos()
            turn[:, a, b], turn[:, b, a] = -angle.sin(), angle.sin()
            matrices = matrices @ turn
    return matrices


def _deform(n: int, settings: AugmentSettings, n_dims: int, generator: Generator) -> Tensor:
    logs = uniform((n, 1), -1, 1, generator) * math.log1p(settings.scale)
    logs = logs + uniform((n, n_dims), -1, 1, generator) * math.log1p(settings.stretch)
    shear = uniform((n, n_dims, n_dims), -settings.shear, settings.shear, generator)
    return torch.diag_embed(logs.exp()) + shear * (1 - torch.eye(n_dims))


def _quarter_turn(n: int, n_dims: int, generator: Generator) -> Tensor:
    quarter = torch.tensor([[0.0, -1.0], [1.0, 0.0]])
    powers = torch.stack([torch.linalg.matrix_power(quarter, times) for times in range(4)])
    matrices = torch.eye(n_dims).repeat(n, 1, 1)
    matrices[:, -2:, -2:] = powers[torch.randint(4, (n,), generator=generator)]
    return matrices


def _flip(n: int, axes: Sequence[int], n_dims: int, generator: Generator) -> Tensor:
    signs = torch.ones(n, n_dims)
    for axis in axes:
        signs[torch.rand(n, generator=generator) < 0.5, axis] = -1.0
    return torch.diag_embed(signs)
