"""The boxes that a RetinaNet starts from: a few shapes at every place of every level."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def anchor_halves(scales: Sequence[float], shapes: Sequence[Sequence[float]]) -> list[Tensor]:
    """Half the sizes of each level's anchors (shapes, dims) float32, in whole voxels, as MONAI's generator rounds them.

    Parameters
    ----------
    scales : sequence of float
        How much larger the anchors are at each level.
    shapes : sequence of sequence of float
        Anchors of the first level, in voxels.
    """
    base = torch.tensor([list(shape) for shape in shapes], dtype=torch.float32)
    return [(base * scale / 2).round() for scale in scales]


def level_anchors(half: Tensor, shape: Sequence[int], window: Sequence[int]) -> tuple[Tensor, Tensor]:
    """Place one level's anchors.

    Parameters
    ----------
    half : (shapes, dims)
        From `anchor_halves`.
    shape : (dims,)
        Of the level's feature map.
    window : (dims,)
        Of the network's input.

    Returns
    -------
    centres, sizes : (places * shapes, dims)
        In voxels of the window; a centre lies in the middle of what a feature stands for.
    """
    steps = [size // n for size, n in zip(window, shape, strict=True)]
    lines = [torch.arange(n, device=half.device) * step + step // 2 for n, step in zip(shape, steps, strict=True)]
    grid = torch.stack(torch.meshgrid(*lines, indexing="ij"), dim=-1).reshape(-1, 1, half.shape[1]).to(half.dtype)
    centres = grid.expand(-1, len(half), -1).reshape(-1, half.shape[1])
    return centres, (2 * half).repeat(len(grid), 1)
