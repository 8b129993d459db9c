"""What all sinks share: slabs in order, turned and cut into layers between planes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from napari_medclf.domain.arrays import FloatArray
from napari_medclf.domain.errors import GridError
from napari_medclf.engine.grid.grid_map import GridMap
from napari_medclf.engine.grid.landing import Landing
from napari_medclf.engine.restore.cells import Axes
from napari_medclf.engine.restore.dense import Dense
from napari_medclf.engine.restore.mixing import PlaneMixer, mix_in_plane

# Model voxels worked on at once, at least a plane: many enough to forget what a call costs, few enough for the cache.
_LAYER_VOX = 2**17


class LayerSink(ABC):
    """Takes slabs, holds one plane of them, and lets what is derived from it fill the source grid layer by layer.

    Parameters
    ----------
    grid : GridMap
        The way home.
    n_channels : int
        Channels of the slabs.
    axis : int
        Model axis along which slabs follow each other.
    dtype : dtype
        Of what is filled on the source grid.
    """

    def __init__(self, grid: GridMap, n_channels: int, axis: int, dtype: DTypeLike) -> None:
        self._order = (axis, *(other for other in range(3) if other != axis))
        self._shape = (n_channels, *(grid.shape[one] for one in self._order))
        self._way = tuple(grid.way_home[one] for one in self._order)
        self.axes: Axes = (self._way[0].axis, self._way[1].axis, self._way[2].axis)
        self._mixer = PlaneMixer(self._way[0].mix)
        self.dense = Dense(self.axes, n_channels)
        self.landing = Landing(grid, dtype, self._order)
        self._n_taken = self._n_layered = 0
        self._last: FloatArray | None = None

    @abstractmethod
    def fill(self, planes: FloatArray, first_layer: int, n_layers: int) -> None:
        """Fill the source grid where it lies in some layers.

        Parameters
        ----------
        planes : (C, P, J, I) float32
            Streaming axis first; each class in one piece. Layer n lies between two planes, or is a plane, as
            `axes[0]` says.
        """

    def take(self, start: int, logits: FloatArray) -> None:
        """Take the next slab (C, K, J, I) float32; it is only read.

        Raises
        ------
        GridError
            If it does not follow the one before, or has another shape.
        """
        slab = np.moveaxis(logits, 1 + self._order[0], 1)
        self._check(start, slab.shape)
        self._n_taken = start + slab.shape[1]
        for axis in (2, 3):
            slab = mix_in_plane(slab, self._way[axis - 1].mix, axis)
        slab = self._mixer.mix(slab)
        if slab.shape[1]:
            self._layer(_in_pieces(slab))

    def finish(self) -> NDArray[Any]:
        """Fill the last layer, and give what was filled (K, J, I) on the source grid; 0 outside of a crop.

        Raises
        ------
        GridError
            If slabs are missing.
        """
        if self._n_taken != self._shape[1]:
            raise GridError(f"Only {self._n_taken} of the {self._shape[1]} planes of the model grid arrived.")
        if self.axes[0].is_between and self._last is not None:
            self._fill_some(np.stack([self._last, self._last], axis=1), self._n_layered)
        self._last = None
        return self.landing.finish()

    def _layer(self, slab: FloatArray) -> None:
        first, shared = self._n_layered, int(self.axes[0].is_between)
        if shared:
            before = slab[:, 0] if self._last is None else self._last
            self._fill_some(np.stack([before, slab[:, 0]], axis=1), first)
            self._last = slab[:, -1].copy()
        step = max(1, _LAYER_VOX // slab[0, 0].size)
        for start in range(0, slab.shape[1] - shared, step):
            planes = slab[:, start : start + step + shared]
            self._fill_some(planes, first + start + shared)
        self._n_layered += slab.shape[1]

    def _fill_some(self, planes: FloatArray, first_layer: int) -> None:
        n_layers = planes.shape[1] - self.axes[0].is_between
        span = self.axes[0].span(first_layer, n_layers)
        if span.stop > span.start:
            self.fill(planes, first_layer, n_layers)

    def _check(self, start: int, shape: tuple[int, ...]) -> None:
        n_channels, n_planes, *plane = self._shape
        if shape[0] != n_channels or list(shape[2:]) != plane or start + shape[1] > n_planes:
            raise GridError(f"A slab of shape {shape} from {start} does not lie on the model grid of {self._shape}.")
        if start != self._n_taken:
            raise GridError(f"A slab begins at {start}; the next one has to begin at {self._n_taken}.")


def _in_pieces(slab: FloatArray) -> FloatArray:
    """Copy a slab unless it is float32 and each of its classes lies in one piece."""
    if slab.dtype == np.float32 and slab[0].flags.c_contiguous and slab.strides[0] >= 0:
        return slab
    return np.ascontiguousarray(slab, dtype=np.float32)
