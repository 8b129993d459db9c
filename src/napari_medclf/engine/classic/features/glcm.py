"""Texture as gray levels that stand side by side: the co-occurrence matrix (Haralick 1973)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import torch
from torch import Tensor

from napari_medclf.engine.classic.features.counting import count_codes
from napari_medclf.engine.classic.features.first_order import quantise

N_LEVELS = 8
DISTANCES_VOX = (1, 2)
_PROPERTIES = ("contrast", "dissimilarity", "homogeneity", "angular second moment", "entropy", "correlation")
GLCM_NAMES = tuple(
    f"GLCM {name} {summary}, distance {distance}"
    for distance in DISTANCES_VOX
    for summary in ("mean", "range")
    for name in _PROPERTIES
)
"""What `glcm` counts, in its order."""


def glcm(images: Tensor) -> Tensor:
    """Describe the texture of gray images by their co-occurrence matrices.

    Parameters
    ----------
    images : (N, *spatial) float64
        Two or three spatial axes; each image is brought to 8 levels between its smallest and its largest sample.

    Returns
    -------
    (N, len(GLCM_NAMES)) float64
        For neighbours at distance 1 and 2: mean and range over the directions (4 in 2D, 13 in 3D) of the properties of
        the symmetric, normalised matrix. An axis too short for a distance gives zeros in that direction.

    Notes
    -----
    The properties are scikit-image's ``graycoprops``: the correlation of a constant image is 1.
    """
    levels = quantise(images.flatten(1), N_LEVELS).reshape(images.shape)
    parts = []
    for distance in DISTANCES_VOX:
        each = torch.stack([_properties(_matrix(levels, step)) for step in steps(images.dim() - 1, distance)])
        parts += [each.mean(0), each.amax(0) - each.amin(0)]
    return torch.cat(parts, 1)


def steps(n_dims: int, distance: int) -> list[tuple[int, ...]]:
    """List the directions to neighbours, one of each opposite pair."""
    every = product((-distance, 0, distance), repeat=n_dims)
    return [step for step in every if step > (0,) * n_dims]


def _matrix(levels: Tensor, step: Sequence[int]) -> Tensor:
    """Symmetric co-occurrence matrices (N, L, L) that add up to 1."""
    here, there = [slice(None)], [slice(None)]
    for offset, size in zip(step, levels.shape[1:], strict=True):
        here.append(slice(max(-offset, 0), size - max(offset, 0)))
        there.append(slice(max(offset, 0), size + min(offset, 0)))
    pairs = (levels[tuple(here)] * N_LEVELS + levels[tuple(there)]).flatten(1)
    counts = count_codes(pairs, N_LEVELS**2).reshape(-1, N_LEVELS, N_LEVELS)
    counts = counts + counts.mT
    return counts / counts.sum((1, 2), keepdim=True).clamp_min(1)


def _properties(matrix: Tensor) -> Tensor:
    """The six properties (N, 6) of matrices (N, L, L)."""
    level = torch.arange(N_LEVELS, dtype=matrix.dtype, device=matrix.device)
    apart = level[:, None] - level[None, :]
    marginal = matrix.sum(2)
    middle = (marginal * level).sum(1)
    off = level[None, :] - middle[:, None]
    variance = (marginal * off.square()).sum(1)
    covariance = (matrix * off[:, :, None] * off[:, None, :]).sum((1, 2))
    is_flat = variance < 1e-15
    return torch.stack(
        [
            (matrix * apart.square()).sum((1, 2)),
            (matrix * apart.abs()).sum((1, 2)),
            (matrix / (1 + apart.square())).sum((1, 2)),
            matrix.square().sum((1, 2)),
            -(matrix * matrix.clamp_min(1e-12).log()).sum((1, 2)),
            torch.where(is_flat, 1.0, covariance / variance.clamp_min(1e-15)),
        ],
        1,
    )
