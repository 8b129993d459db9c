"""Resize arrays over the same box: linear or by area for samples, nearest for labels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
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


@dataclass(frozen=True, eq=False)
class Taps:
    """What each new sample of an axis is made of: neighbouring old samples with a weight each.

    Parameters
    ----------
    first : (n_new,) int
        First old sample; as many follow it as there are weights.
    weight : (n_new, n_taps) float32
        Sums to 1 along the taps.
    """

    first: NDArray[np.intp]
    weight: FloatArray

    @property
    def n_taps(self) -> int:
        """How many old samples make a new one."""
        return int(self.weight.shape[1])


def list_taps(n_old: int, n_new: int) -> Taps:
    """Say how `resize_samples` makes an axis: by area where it shrinks, linear where it grows."""
    if n_new == n_old:
        return Taps(np.arange(n_old), np.ones((n_old, 1), dtype=np.float32))
    if n_new > n_old:
        n_taps = min(2, n_old)
        centre = np.clip((np.arange(n_new) + 0.5) * n_old / n_new - 0.5, 0, n_old - 1)
        first = np.minimum(np.floor(centre).astype(np.intp), n_old - n_taps)
        weight = np.stack([1 - (centre - first), centre - first], axis=1)[:, :n_taps]
    else:
        edge = np.arange(n_new + 1) * n_old / n_new
        low, high = edge[:-1], edge[1:]
        first = np.floor(low).astype(np.intp)
        n_taps = int((np.ceil(high) - first).max())
        first = np.minimum(first, n_old - n_taps)
        start = first[:, None] + np.arange(n_taps)
        covered = np.minimum(high[:, None], start + 1) - np.maximum(low[:, None], start)
        weight = np.maximum(covered, 0) * n_new / n_old
    return Taps(first, weight.astype(np.float32))


def _average(samples: Tensor, axis: int, n_new: int) -> Tensor:
    taps = list_taps(samples.shape[axis], n_new)
    shape = (-1, *[1] * (samples.ndim - 1 - axis))
    average: Tensor | None = None
    for tap, weight in enumerate(torch.from_numpy(taps.weight.T)):
        part = samples.index_select(axis, torch.from_numpy(taps.first + tap))
        part *= weight.reshape(shape)
        average = part if average is None else average.add_(part)
    assert average is not None  # a new sample is made of one old one at least
    return average


def _interpolate(pictures: Tensor, size: tuple[int, int]) -> Tensor:
    return torch.nn.functional.interpolate(pictures, size=size, mode="bilinear", align_corners=False)
