"""Resize arrays over the same box: linear or by area for samples, nearest for labels."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from napari_medclf.domain.arrays import FloatArray, LabelArray
from napari_medclf.domain.geometry import Shape3


def resize_samples(array: FloatArray, shape: Shape3) -> FloatArray:
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
        The same array where nothing is to be done.

    Notes
    -----
    Axis by axis: where an axis shrinks, a new voxel is the mean over the part of the box it covers
    (nothing is skipped, and a label drawn on a finer grid comes home exactly); where it grows, linear
    between centres. Weights sum to 1: probabilities keep their sum.
    """
    if array.shape[-3:] == shape:
        return array
    samples = torch.from_numpy(np.ascontiguousarray(array, dtype=np.float32)).reshape(-1, *array.shape[-3:])
    shrinks = sorted(range(3), key=lambda axis: shape[axis] / array.shape[axis - 3])  # least work first
    for axis in shrinks:
        if shape[axis] < samples.shape[1 + axis]:
            samples = _average(samples, 1 + axis, shape[axis])
    if samples.shape[2:] != shape[1:]:
        samples = _interpolate(samples, shape[1:])
    if samples.shape[1] != shape[0]:
        # Rows of one slice lie in a line, so that the slice axis becomes the height of a picture.
        lines = samples.flatten(2).unsqueeze(1)
        samples = _interpolate(lines, (shape[0], lines.shape[-1]))
    return np.asarray(samples.reshape(*array.shape[:-3], *shape).numpy())


def resize_nearest(labels: LabelArray, shape: Shape3) -> LabelArray:
    """Resample (K, J, I) labels to another voxel count over the same box, without mixing values."""
    if labels.shape == shape:
        return labels
    index = [((np.arange(new) + 0.5) * old / new).astype(np.intp) for old, new in zip(labels.shape, shape, strict=True)]
    return np.ascontiguousarray(labels[np.ix_(*index)])


def _average(samples: Tensor, axis: int, n_new: int) -> Tensor:
    """Average along an axis over cells that may cover parts of samples."""
    n_old = samples.shape[axis]
    edges = torch.arange(n_new + 1, dtype=torch.float64) * n_old / n_new
    low, high = edges[:-1], edges[1:]
    first = low.floor().long()
    average: Tensor | None = None
    for tap in range(int((high.ceil().long() - first).max())):
        index = (first + tap).clamp_max(n_old - 1)
        covered = torch.minimum(high, first + tap + 1.0) - torch.maximum(low, (first + tap).double())
        weight = (covered.clamp_min(0) * n_new / n_old).float().reshape(-1, *[1] * (samples.ndim - 1 - axis))
        part = samples.index_select(axis, index)
        average = part.mul_(weight) if average is None else average.addcmul_(part, weight)
    assert average is not None  # a cell covers at least one sample
    return average


def _interpolate(pictures: Tensor, size: tuple[int, int]) -> Tensor:
    return torch.nn.functional.interpolate(pictures, size=size, mode="bilinear", align_corners=False)
