"""Resample arrays axis by axis."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from napari_medclf.domain.arrays import FloatArray, LabelArray
from napari_medclf.domain.geometry import Shape3
from napari_medclf.engine.grid.axis_map import AxisMap
from napari_medclf.engine.grid.taps import Taps, mix_axis


def resize_samples(array: FloatArray, shape: Shape3) -> FloatArray:
    """Resize (C, K, J, I) or (K, J, I) samples to another voxel count over the same box.

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
    maps = [AxisMap.between_edges(old, new) for old, new in zip(array.shape[-3:], shape, strict=True)]
    return resample(array, [one.forward(is_area=True) for one in maps])


def resample(array: FloatArray, taps: Sequence[Taps | None]) -> FloatArray:
    """Resample the last three axes of an array (..., K, J, I) float32; the same one where nothing is to be done.

    Parameters
    ----------
    taps : three Taps or None
        What the new samples of each axis are made of; None leaves an axis alone.
    """
    work = [(len(one.first) / array.shape[axis - 3], axis, one) for axis, one in enumerate(taps) if one is not None]
    if not work:
        return array
    samples = torch.from_numpy(np.ascontiguousarray(array, dtype=np.float32)).reshape(-1, *array.shape[-3:])
    for _, axis, one in sorted(work, key=lambda item: item[:2]):  # what shrinks most first: least work
        samples = mix_axis(samples, 1 + axis, one)
    return np.asarray(samples.reshape(*array.shape[:-3], *samples.shape[1:]).numpy())


def pick_nearest(labels: LabelArray, index: Sequence[NDArray[np.intp]]) -> LabelArray:
    """Take the labels (K, J, I) at the indices of each axis."""
    same = all(np.array_equal(one, np.arange(n)) for one, n in zip(index, labels.shape, strict=True))
    return labels if same else np.ascontiguousarray(labels[np.ix_(*index)])
