"""How much each voxel of a window counts where windows overlap."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from napari_medclf.domain.arrays import FloatArray
from napari_medclf.domain.geometry import Shape3
from napari_medclf.engine.sliding.nnunet_window import nnunet_weight
from napari_medclf.engine.sliding.window import Window

# Gaussian weights as in MONAI: sigma is an eighth of the patch, and no weight vanishes.
_SIGMA_OF_PATCH = 0.125
_SMALLEST_WEIGHT = 1e-3


def tile_weight(window: Window) -> Tensor:
    """Give the weight (k, j, i) of a tile; float16 where the sums of nnU-Net are followed, else float32."""
    if window.blending == "constant":
        dtype = torch.float16 if window.tiling == "nnunet" else torch.float32
        return torch.ones(window.tile, dtype=dtype)
    if window.tiling == "nnunet":
        return nnunet_weight(window.tile)
    return torch.from_numpy(gaussian_weight(window.tile))


@lru_cache(maxsize=4)
def gaussian_weight(tile: Shape3) -> FloatArray:
    """Make the weight (k, j, i) float32 of a tile: 1 in the middle, falling off as a Gaussian; not to be changed."""
    weight = np.ones((), dtype=np.float32)
    for size in tile:
        distance = np.arange(size, dtype=np.float32) - np.float32((size - 1) / 2)
        line = np.exp(distance**2 / np.float32(-2 * (_SIGMA_OF_PATCH * size) ** 2))
        weight = weight[..., np.newaxis] * line
    return np.asarray(np.maximum(weight, max(float(weight.min()), _SMALLEST_WEIGHT)), dtype=np.float32)
