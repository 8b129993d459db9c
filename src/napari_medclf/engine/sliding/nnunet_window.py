"""Where nnU-Net lays its windows, and how it weighs them."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from napari_medclf.domain.geometry import Shape3

_SIGMA_OF_WINDOW = 0.125
_LARGEST_WEIGHT = 10


def nnunet_starts(n: int, size: int, overlap: float) -> list[int]:
    """List where windows start along an axis of `n` voxels: evenly spread, from the first voxel to the last.

    Notes
    -----
    ``compute_steps_for_sliding_window`` of nnunetv2 2.8.

    >>> nnunet_starts(110, 64, 0.5)
    [0, 23, 46]
    """
    last = n - size
    n_windows = math.ceil(last / (size * (1 - overlap))) + 1
    if n_windows <= 1:
        return [0]
    return [round(last / (n_windows - 1) * number) for number in range(n_windows)]


def nnunet_weight(tile: Shape3) -> Tensor:
    """Make the weight of a window's voxels: a Gaussian in half precision.

    Parameters
    ----------
    tile : (k, j, i)
        Voxels of a window; k is 1 for a 2D network.

    Returns
    -------
    (k, j, i) float16 tensor
        10 in the middle. Far corners would be nothing in half precision; they get the smallest weight there is.

    Notes
    -----
    ``compute_gaussian`` of nnunetv2 2.8 to the last bit: ``scipy.ndimage.gaussian_filter`` of one voxel, sigma an
    eighth of the window.
    """
    from scipy.ndimage import gaussian_filter

    seen = tile if tile[0] > 1 else tile[1:]
    impulse = np.zeros(seen)
    impulse[tuple(size // 2 for size in seen)] = 1
    weight = gaussian_filter(impulse, [size * _SIGMA_OF_WINDOW for size in seen], mode="constant")
    weight /= weight.max() / _LARGEST_WEIGHT
    half = torch.from_numpy(weight).half()
    half[half == 0] = half[half > 0].min()
    return half.reshape(tile)
