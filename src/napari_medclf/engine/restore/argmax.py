"""Bring the most probable class home without bringing every class home."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from napari_medclf.domain.arrays import BoolArray, FloatArray, LabelArray
from napari_medclf.domain.geometry import Shape3
from napari_medclf.engine.grid.resize import Taps, list_taps
from napari_medclf.engine.restore.whole import WholeLogits

if TYPE_CHECKING:
    from napari_medclf.engine.grid.grid_map import GridMap

# Voxels interpolated at once: their classes stay in the cache.
_CHUNK_VOX = 2**16


class ArgmaxHome:
    """The most probable class of every voxel, on the source grid.

    Parameters
    ----------
    grid : GridMap
        The way home.
    n_classes : int
        Channels of the logits.
    axis : int
        Model axis along which slabs follow each other.
    """

    def __init__(self, grid: GridMap, n_classes: int, axis: int = 0) -> None:
        self._grid = grid
        self._whole = WholeLogits(grid.shape, n_classes, axis)

    def take(self, start: int, logits: FloatArray) -> None:
        """Take the next slab (C, K, J, I)."""
        self._whole.take(start, logits)

    def finish(self) -> LabelArray:
        """Give the index of the class (K, J, I) on the source grid."""
        return self._grid.restore_argmax(self._whole.finish())


def restore_argmax(logits: FloatArray, shape: Shape3) -> LabelArray:
    """Resample softmax probabilities over the same box and take the most probable class.

    Parameters
    ----------
    logits : (C, K, J, I) float32
        Left as they are.
    shape : (K, J, I)
        Wanted voxel counts.

    Returns
    -------
    (K, J, I) uint8 or uint16
        Index of the class; the first one of several that are equally probable.

    Notes
    -----
    A resampled probability is a mean over neighbours with weights that sum to 1. Where one class is
    the most probable at all of these neighbours, it is so in between, too: only voxels at a boundary
    need their probabilities. The labels are those of resampling every class, while time and memory
    follow the boundary and not the volume.
    """
    nearest = _argmax(logits)
    if nearest.shape == shape:
        return nearest
    taps = [list_taps(old, new) for old, new in zip(nearest.shape, shape, strict=True)]
    labels, highest = _extremes(nearest, taps)
    undecided = np.flatnonzero(labels != highest)
    del highest
    for chunk, found in _interpolate(logits, _find_needed(nearest, taps), undecided, shape, taps):
        labels.ravel()[chunk] = found
    return labels


def _argmax(logits: FloatArray) -> LabelArray:
    """Class by class: five times as fast as numpy's along the first axis."""
    best = logits[0].copy()
    labels: LabelArray = np.zeros(best.shape, dtype=np.uint8 if len(logits) <= 256 else np.uint16)
    for index, scores in enumerate(logits[1:], start=1):
        wins = scores > best
        np.copyto(best, scores, where=wins)
        labels[wins] = index
    return labels


def _extremes(nearest: LabelArray, taps: list[Taps]) -> tuple[LabelArray, LabelArray]:
    """Smallest and largest class index among the neighbours of every new voxel."""
    lowest = highest = nearest
    for axis in (2, 1, 0):  # the costly innermost axis while the array is small
        lowest = _reduce(np.minimum, lowest, taps[axis], axis)
        highest = _reduce(np.maximum, highest, taps[axis], axis)
    return lowest, highest


def _reduce(function: np.ufunc, array: LabelArray, taps: Taps, axis: int) -> LabelArray:
    result = np.take(array, taps.first, axis=axis)
    for tap in range(1, taps.n_taps):
        function(result, np.take(array, taps.first + tap, axis=axis), out=result)
    return result


def _find_needed(nearest: LabelArray, taps: list[Taps]) -> BoolArray:
    """Model voxels that share a neighbourhood with one of another class."""
    from scipy.ndimage import maximum_filter, minimum_filter

    size = [2 * one.n_taps - 1 for one in taps]
    return np.asarray(minimum_filter(nearest, size) != maximum_filter(nearest, size))


def _interpolate(
    logits: FloatArray, is_needed: BoolArray, undecided: NDArray[np.intp], shape: Shape3, taps: list[Taps]
) -> Iterator[tuple[NDArray[np.intp], LabelArray]]:
    """Yield new voxels (flat indices), some at a time, with the class that is most probable there."""
    chosen = np.ascontiguousarray(logits.reshape(len(logits), -1)[:, is_needed.ravel()].T)
    table = torch.from_numpy(chosen).softmax(dim=1)  # one row a model voxel
    row_of_voxel = np.cumsum(is_needed, dtype=np.int64) - 1
    neighbours = _list_offsets(is_needed.shape, taps)
    for start in range(0, len(undecided), _CHUNK_VOX):
        voxels = undecided[start : start + _CHUNK_VOX]
        first, weight = _find_first(voxels, is_needed.shape, shape, taps)
        rows = row_of_voxel[first[:, None] + neighbours]
        # A bag of embeddings is a weighted sum of rows: the interpolation of all classes at once.
        mixed = torch.nn.functional.embedding_bag(
            torch.from_numpy(rows), table, mode="sum", per_sample_weights=torch.from_numpy(weight)
        )
        yield voxels, mixed.numpy().argmax(axis=1)


def _list_offsets(model_shape: tuple[int, ...], taps: list[Taps]) -> NDArray[np.intp]:
    """Flat distance from the first neighbour of a new voxel to each of them."""
    steps = np.indices([one.n_taps for one in taps]).reshape(3, -1)
    return np.asarray((steps * _strides(model_shape)).sum(axis=0))


def _find_first(
    voxels: NDArray[np.intp], model_shape: tuple[int, ...], shape: Shape3, taps: list[Taps]
) -> tuple[NDArray[np.intp], FloatArray]:
    """First neighbour (n,) of new voxels as a flat index, and the weights (n, taps) of all."""
    first = np.zeros(len(voxels), dtype=np.intp)
    weight: FloatArray = np.ones((len(voxels), 1), dtype=np.float32)
    places = zip(np.unravel_index(voxels, shape), taps, _strides(model_shape)[:, 0], strict=True)
    for position, one, stride in places:
        first += one.first[position] * stride
        weight = (weight[:, :, None] * one.weight[position][:, None, :]).reshape(len(voxels), -1)
    return first, weight


def _strides(shape: tuple[int, ...]) -> NDArray[np.intp]:
    """Voxels (3, 1) from one index of an axis to the next."""
    return np.array([[shape[1] * shape[2]], [shape[2]], [1]], dtype=np.intp)
