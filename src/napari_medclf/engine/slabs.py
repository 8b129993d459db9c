"""Bring an image to the model grid slab by slab."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from napari_medclf.domain.arrays import FloatArray, PixelArray
from napari_medclf.domain.events import Job, Progress
from napari_medclf.engine.channels import Channels
from napari_medclf.engine.grid.grid_map import GridMap
from napari_medclf.engine.grid.taps import Taps, mix_axis


class ToModelGrid:
    """Takes the slabs of an image in order and makes the samples of the model grid, without ever holding the image.

    Parameters
    ----------
    grid : GridMap
        Neither sheared nor resampled by cubic splines.
    n_channels : int
        Of the slabs.

    Notes
    -----
    Rows and columns of a slab are resampled at once; its slices are added to those of the model grid that they are
    part of. The same numbers as `GridMap.forward` gives, within rounding.
    """

    def __init__(self, grid: GridMap, n_channels: int) -> None:
        self._grid = grid
        self._model_axes = [grid.order.index(axis) for axis in range(3)]
        self._taps = [grid.axes[axis].forward(is_area=grid.resampling == "area") for axis in self._model_axes]
        self._data: FloatArray = np.zeros((n_channels, *grid.shape), dtype=np.float32)
        back = (0, *(1 + axis for axis in self._model_axes))
        self._by_source_axes = self._data.transpose(back)
        self._parts = self._list_parts()

    def add(self, first: int, slab: FloatArray) -> None:
        """Take slices k of the image from `first` on, (C, k, J, I) float32; they are used up."""
        k, j, i = self._grid.cropped
        start, stop = max(first, k.start), min(first + slab.shape[1], k.stop)
        if start >= stop:
            return
        mixed = self._mix_in_plane(slab[:, start - first : stop - first, j, i])
        for position in range(start, stop):
            for plane, weight in self._parts[position - k.start]:
                self._by_source_axes[:, plane] += weight * mixed[:, position - start]

    def finish(self) -> FloatArray:
        """Give the samples (C, K, J, I) of the model grid."""
        return self._data

    def _mix_in_plane(self, slab: FloatArray) -> FloatArray:
        flipped = tuple(1 + axis for axis in (1, 2) if self._grid.flips[self._model_axes[axis]])
        # numpy calls a flipped axis of one sample contiguous, and torch refuses its negative stride
        mixed = torch.from_numpy(np.flip(slab, flipped).copy())
        for axis in (1, 2):  # rows first: they lie in a line
            taps = self._taps[axis]
            if taps is not None:
                mixed = mix_axis(mixed, 1 + axis, taps)
        return np.asarray(mixed.numpy())

    def _list_parts(self) -> list[list[tuple[int, np.float32]]]:
        """For every slice k of the (cropped) image: the planes of the model grid that it is a part of, and how much."""
        axis = self._model_axes[0]
        n_source = self._grid.axes[axis].n_source
        taps = self._taps[0] or Taps(np.arange(n_source), np.ones((n_source, 1), dtype=np.float32))
        parts: list[list[tuple[int, np.float32]]] = [[] for _ in range(n_source)]
        for plane, (first, weights) in enumerate(zip(taps.first, taps.weight, strict=True)):
            for tap, weight in enumerate(weights):
                position = int(first) + tap
                if weight != 0:
                    parts[n_source - 1 - position if self._grid.flips[axis] else position].append((plane, weight))
        return parts


def read_all(
    channels: Channels,
    box: tuple[slice, slice, slice],
    convert: Callable[[PixelArray], FloatArray],
    message: str,
) -> Job[FloatArray]:
    """Read a box of an image whole, (C, K, J, I) float32."""
    k, j, i = box
    sizes = (one.stop - one.start for one in box)
    whole: FloatArray = np.empty((channels.shape[0], *sizes), dtype=np.float32)
    for first, samples in channels:
        start, stop = max(first, k.start), min(first + samples.shape[1], k.stop)
        if start < stop:
            slab = convert(samples[:, start - first : stop - first, j, i])
            whole[:, start - k.start : stop - k.start] = slab
        yield Progress(first + samples.shape[1], channels.shape[1], message)
    return whole
