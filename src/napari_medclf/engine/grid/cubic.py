"""Resize samples with third-order splines, as nnU-Net prepares its images."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_medclf.domain.arrays import FloatArray
from napari_medclf.domain.geometry import Shape3

# nnU-Net calls a grid anisotropic, and leaves its slices apart, above this (`ANISO_THRESHOLD`, nnunetv2 2.8).
_ANISOTROPY = 3
# scipy.ndimage pads the edges by so much before it fits a spline in mode "nearest".
_PADDING_VOX = 12
# A fitted spline feels samples this far away by less than 1e-9 of them: the pole is sqrt(3) - 2.
_REACH_VOX = 16
# New samples made by one small matrix: more of them multiply by more zeros, fewer call more often.
_BLOCK_VOX = 64


def resize_cubic(array: FloatArray, shape: Shape3, apart: int | None = None) -> FloatArray:
    """Resample samples over the same box with third-order splines.

    Parameters
    ----------
    array : (C, K, J, I) float32
        Edges of both grids coincide.
    shape : (K, J, I)
        Wanted voxel counts.
    apart : int or None
        An axis along which slices stay apart: each is resized by itself, and the nearest one is taken.

    Returns
    -------
    (C, *shape) float32
        Within the range of each channel (of each slice, where they are apart); the same array where nothing is to do.

    Notes
    -----
    Equal to ``skimage.transform.resize(order=3, mode="edge", anti_aliasing=False)`` channel by channel, as nnU-Net
    (Isensee 2021) calls it, within float32. A spline over a grid is a product of splines along its axes, so that each
    axis is one multiplication with a banded matrix, instead of 64 neighbours for each voxel.
    """
    if array.shape[1:] == shape:
        return array
    samples = torch.from_numpy(np.ascontiguousarray(array, dtype=np.float32))
    if apart is not None:
        samples = _take_nearest(samples, 1 + apart, shape[apart])
    kept = (0,) if apart is None else (0, 1 + apart)
    mixed = tuple(axis for axis in range(4) if axis not in kept)
    lowest, highest = samples.amin(mixed, keepdim=True), samples.amax(mixed, keepdim=True)
    for axis in sorted(mixed, key=lambda axis: shape[axis - 1] / samples.shape[axis]):  # least work first
        if samples.shape[axis] != shape[axis - 1]:
            samples = _resize_axis(samples, axis, shape[axis - 1])
    return np.asarray(torch.clamp(samples, lowest, highest).numpy())


def slice_axis(image_spacing_mm: Sequence[float], model_spacing_mm: Sequence[float]) -> int | None:
    """Name the axis along which nnU-Net leaves slices apart.

    Parameters
    ----------
    image_spacing_mm, model_spacing_mm : (k, j, i)
        In the network's order of axes; the image's decides where it is anisotropic, else the model's.

    Returns
    -------
    int or None
        None where no spacing is more than three times another, or more than one axis has the largest.

    >>> slice_axis((5.0, 0.7, 0.7), (1.0, 1.0, 1.0))
    0
    >>> slice_axis((1.0, 1.0, 1.0), (1.0, 1.0, 1.5)) is None
    True
    """
    for spacing in (image_spacing_mm, model_spacing_mm):
        if max(spacing) / min(spacing) > _ANISOTROPY:
            coarsest = [axis for axis, step in enumerate(spacing) if step == max(spacing)]
            return coarsest[0] if len(coarsest) == 1 else None
    return None


def nearest_index(n_old: int, n_new: int) -> NDArray[np.intp]:
    """Say which old slice each new one is, as ``scipy.ndimage.map_coordinates(order=0, mode="nearest")`` rounds."""
    centre = (n_old / n_new) * (np.arange(n_new) + 0.5) - 0.5
    return np.clip(np.floor(centre + 0.5).astype(np.intp), 0, n_old - 1)


def _take_nearest(samples: Tensor, axis: int, n_new: int) -> Tensor:
    if samples.shape[axis] == n_new:
        return samples
    return samples.index_select(axis, torch.from_numpy(nearest_index(samples.shape[axis], n_new)))


def _resize_axis(samples: Tensor, axis: int, n_new: int) -> Tensor:
    n_old = samples.shape[axis]
    matrix = torch.from_numpy(_spline_matrix(n_old, n_new))
    old_shape = samples.shape
    lines = samples.reshape(-1, n_old, old_shape[axis + 1 :].numel())
    resized = torch.empty((len(lines), n_new, lines.shape[2]))
    for start in range(0, n_new, _BLOCK_VOX):
        rows = slice(start, min(start + _BLOCK_VOX, n_new))
        columns = _reach(rows, n_old, n_new)
        torch.matmul(matrix[rows, columns], lines[:, columns], out=resized[:, rows])
    return resized.reshape(*old_shape[:axis], n_new, *old_shape[axis + 1 :])


def _reach(rows: slice, n_old: int, n_new: int) -> slice:
    """Old samples that new ones feel."""
    scale = n_old / n_new
    first, last = int(rows.start * scale) - _REACH_VOX, int(rows.stop * scale) + _REACH_VOX
    return slice(max(first, 0), min(last, n_old))


def _spline_matrix(n_old: int, n_new: int) -> FloatArray:
    """Make the weights (n_new, n_old) float32 with which old samples make new ones along an axis."""
    from scipy.ndimage import spline_filter1d

    padded = np.pad(np.eye(n_old), [(_PADDING_VOX, _PADDING_VOX), (0, 0)], mode="edge")
    coefficients = spline_filter1d(padded, order=3, axis=0, mode="nearest")
    centre = (np.arange(n_new) + 0.5) * (n_old / n_new) - 0.5 + _PADDING_VOX
    first = np.floor(centre).astype(np.intp)
    part = (centre - first)[:, None]
    # Unser 1999: what the four nearest coefficients of a cubic B-spline weigh.
    weights = (
        (1 - part) ** 3 / 6,
        2 / 3 - part**2 * (2 - part) / 2,
        2 / 3 - (1 - part) ** 2 * (1 + part) / 2,
        part**3 / 6,
    )
    matrix = sum(weight * coefficients[first + tap] for tap, weight in enumerate(weights, start=-1))
    return np.asarray(matrix, dtype=np.float32)
