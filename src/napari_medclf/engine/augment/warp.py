"""Crop, turn, bend and flip in one interpolation: where every voxel of a patch is taken from."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Generator, Tensor
from torch.nn.functional import grid_sample, interpolate

from napari_medclf.domain.recipe import AugmentSettings

_BEND_STEP_VOX = 16
"""Distance of the random displacements between which a bend is interpolated."""


def uniform(shape: Sequence[int], low: float, high: float, generator: Generator) -> Tensor:
    """Draw uniform numbers on the CPU, so that every device sees the same ones."""
    return torch.rand(*shape, generator=generator) * (high - low) + low


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


def patch_positions(
    centres: Tensor, matrices: Tensor, patch: Sequence[int], bend_vox: float, generator: Generator
) -> Tensor:
    """Say from where in its image each voxel of a patch is taken.

    Parameters
    ----------
    centres : (n, d)
        Image position, in voxels, of the patch voxel at index ``size // 2``.
    matrices : (n, d, d)
        From `random_affine`.
    bend_vox : float
        Standard deviation of a smooth random displacement.

    Returns
    -------
    (n, *patch, d) float32
        Voxel positions, in array order.
    """
    axes = [torch.arange(size, dtype=torch.float32) - size // 2 for size in patch]
    offsets = torch.stack(torch.meshgrid(*axes, indexing="ij"), -1).reshape(1, -1, len(patch))
    positions = (offsets @ matrices.mT + centres[:, None]).reshape(len(centres), *patch, len(patch))
    if bend_vox > 0:
        positions = positions + _bend(len(centres), patch, generator) * bend_vox
    return positions


def take(images: Tensor, positions: Tensor, *, is_nearest: bool = False, outside: str = "zeros") -> Tensor:
    """Sample images (N, C, *spatial) at positions (N, *patch, d).

    Parameters
    ----------
    outside : {"zeros", "border"}
        What lies beyond the image: 0, with which a tile is padded in use, or its edge going on.

    Returns
    -------
    (N, C, *patch), in the dtype of `images`.
    """
    shape = torch.tensor(images.shape[2:], dtype=torch.float32)
    # An axis of one voxel has no extent: every position on it is that voxel.
    grid = positions * 2 / (shape - 1).clamp_min(1) - (shape > 1).float()
    mode = "nearest" if is_nearest else "bilinear"
    sampled = grid_sample(images.float(), grid.flip(-1), mode=mode, padding_mode=outside, align_corners=True)
    return sampled.to(images.dtype)


def is_inside(positions: Tensor, shape: Sequence[int]) -> Tensor:
    """Tell which positions (*patch, d) lie on the image's grid."""
    highest = torch.tensor(list(shape), dtype=torch.float32) - 0.5
    return ((positions >= -0.5) & (positions <= highest)).all(-1)


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


def _bend(n: int, patch: Sequence[int], generator: Generator) -> Tensor:
    coarse = [max(size // _BEND_STEP_VOX, 1) + 3 for size in patch]
    noise = torch.randn(n, len(patch), *coarse, generator=generator)
    mode = "bicubic" if len(patch) == 2 else "trilinear"
    return interpolate(noise, size=list(patch), mode=mode, align_corners=False).movedim(1, -1)
