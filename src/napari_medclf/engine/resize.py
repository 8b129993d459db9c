"""Resize arrays over the same box: linear and antialiased for samples, nearest for labels."""

from __future__ import annotations

import numpy as np
import torch

from napari_medclf.domain.arrays import FloatArray, LabelArray
from napari_medclf.domain.geometry import Shape3


def resize_linear(array: FloatArray, shape: Shape3) -> FloatArray:
    """Resample (C, K, J, I) or (K, J, I) samples to another voxel count over the same box.

    Parameters
    ----------
    array : float32
        Edges of both grids coincide, as in `Geometry.resampled`.
    shape : (K, J, I)
        Wanted voxel counts.

    Returns
    -------
    float32
        Contiguous; the same array where nothing is to be done.

    Notes
    -----
    Linear where an axis grows, a triangle as wide as the step where it shrinks (so that nothing is
    skipped, as Pillow and torch's ``antialias`` do). Weights sum to 1: probabilities keep their sum.
    """
    if array.shape[-3:] == shape:
        return array
    channels = torch.from_numpy(np.ascontiguousarray(array, dtype=np.float32)).reshape(-1, *array.shape[-3:])
    if channels.shape[2:] != shape[1:]:
        channels = _interpolate(channels, shape[1:])
    if channels.shape[1] != shape[0]:
        # Rows of one slice lie in a line, so that the slice axis becomes the height of a picture.
        lines = channels.flatten(2).unsqueeze(1)
        channels = _interpolate(lines, (shape[0], lines.shape[-1])).reshape(-1, *shape)
    return np.asarray(channels.reshape(*array.shape[:-3], *shape).contiguous().numpy())


def resize_nearest(labels: LabelArray, shape: Shape3) -> LabelArray:
    """Resample (K, J, I) labels to another voxel count over the same box, without mixing values."""
    if labels.shape == shape:
        return labels
    index = [((np.arange(new) + 0.5) * old / new).astype(np.intp) for old, new in zip(labels.shape, shape, strict=True)]
    return np.ascontiguousarray(labels[np.ix_(*index)])


def _interpolate(pictures: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    return torch.nn.functional.interpolate(pictures, size=size, mode="bilinear", align_corners=False, antialias=True)
