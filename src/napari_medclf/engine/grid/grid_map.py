"""The way from an image's grid to the network's, and home again."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal, TypeVar

import numpy as np

from napari_medclf.domain.arrays import FloatArray, LabelArray
from napari_medclf.domain.errors import GridError
from napari_medclf.domain.geometry import Geometry, Shape3
from napari_medclf.engine.grid.axis_map import AxisMap, WayHome
from napari_medclf.engine.grid.crop import Box, crop_geometry
from napari_medclf.engine.grid.cubic import resize_cubic
from napari_medclf.engine.grid.resize import pick_nearest, resample
from napari_medclf.engine.grid.taps import Taps
from napari_medclf.engine.grid.upright import Upright

Array = TypeVar("Array", FloatArray, LabelArray)


@dataclass(frozen=True, eq=False)
class GridMap:
    """How a source grid became a model grid: crop, stand upright, turn to the wanted axes, resample.

    Parameters
    ----------
    source : Geometry
        Grid of the image.
    order : (int, int, int)
        Source axis that became each axis, as in ``numpy.transpose``.
    flips : (bool, bool, bool)
        Which axes were then reversed.
    axes : three AxisMap
        How each axis was then resampled.
    upright : Upright or None
        How a sheared grid was brought upright first.
    crop : three (start, stop) or None
        Box of the source grid that was cut out before anything else.
    resampling : str
        ``area``, ``linear`` or ``cubic``, as in `InputSpec`. Whatever the way out, the way home is linear between
        centres; with ``area`` it is the mean over what a voxel covers where an axis shrinks.
    apart : int or None
        With ``cubic``, the model axis along which slices stay apart: nearest there, out and home.
    """

    source: Geometry
    order: Shape3
    flips: tuple[bool, bool, bool]
    axes: tuple[AxisMap, AxisMap, AxisMap]
    upright: Upright | None = None
    crop: Box | None = None
    resampling: Literal["area", "linear", "cubic"] = "area"
    apart: int | None = None

    @property
    def shape(self) -> Shape3:
        """Voxels (K, J, I) of the model grid."""
        return (self.axes[0].n_model, self.axes[1].n_model, self.axes[2].n_model)

    @property
    def model(self) -> Geometry:
        """Where the voxels of the model grid lie in the patient."""
        turned = self._base.permuted(self.order, self.flips)
        affine = turned.affine.copy()
        affine[:3, 3] = turned.to_world(np.array([one.offset for one in self.axes]))
        affine[:3, :3] *= [one.step for one in self.axes]
        return replace(turned, affine=affine, shape=self.shape)

    @property
    def source_vox_per_model_vox(self) -> float:
        """How many voxels of the image make one of the model's."""
        return math.prod(one.step for one in self.axes)

    @property
    def cropped(self) -> tuple[slice, slice, slice]:
        """What was cut out of the source grid, of axes k, j, i."""
        k, j, i = self.crop or tuple((0, n) for n in self.source.shape)
        return (slice(*k), slice(*j), slice(*i))

    @property
    def way_home(self) -> tuple[WayHome, WayHome, WayHome]:
        """How each axis of the model grid becomes one of the source grid, counted backwards where it was flipped."""
        k, j, i = (
            one.way_home(is_area=self._is_area, is_nearest=axis == self.apart, is_flipped=self.flips[axis])
            for axis, one in enumerate(self.axes)
        )
        return (k, j, i)

    def forward(self, data: FloatArray) -> FloatArray:
        """Bring samples (C, K, J, I) from the source grid to the model grid.

        Raises
        ------
        GridError
            If the shape is not the source grid's.
        """
        self._check(data, self.source.shape, "source")
        return self.forward_cropped(data[(slice(None), *self.cropped)])

    def forward_cropped(self, data: FloatArray) -> FloatArray:
        """Do what `forward` does with samples (C, K, J, I) that are the box `cropped` already."""
        if self.upright is not None:
            data = self.upright.forward(data)
        turned = self._turn(data)
        if self.resampling == "cubic":
            return resize_cubic(turned, self.shape, self.apart)
        return resample(turned, [one.forward(is_area=self._is_area) for one in self.axes])

    def forward_labels(self, labels: LabelArray) -> LabelArray:
        """Bring labels (K, J, I) from the source grid to the model grid, nearest value.

        Raises
        ------
        GridError
            If the shape is not the source grid's.
        """
        self._check(labels, self.source.shape, "source")
        labels = labels[self.cropped]
        if self.upright is not None:
            labels = self.upright.forward_labels(labels)
        return np.ascontiguousarray(pick_nearest(self._turn(labels), [one.forward_nearest() for one in self.axes]))

    def restore(self, values: FloatArray) -> FloatArray:
        """Bring values such as class probabilities home to the source grid.

        Parameters
        ----------
        values : (C, K, J, I) float32
            On the model grid; what sums to 1 over C does so afterwards, but outside of a crop, where all are 0.

        Raises
        ------
        GridError
            If the shape is not the model grid's.
        """
        self._check(values, self.shape, "model")
        taps = [one.home(is_area=self._is_area) for one in self.axes]
        if self.apart is not None:
            nearest = self.axes[self.apart].home_nearest()
            taps[self.apart] = Taps(nearest, np.ones((len(nearest), 1), dtype=np.float32))
        return self._turn_back(resample(values, taps))

    def restore_labels(self, labels: LabelArray) -> LabelArray:
        """Bring labels or object numbers (K, J, I) home, nearest value; 0 outside of a crop.

        Raises
        ------
        GridError
            If the shape is not the model grid's.
        """
        self._check(labels, self.shape, "model")
        return self._turn_back(pick_nearest(labels, [one.home_nearest() for one in self.axes]))

    @property
    def _is_area(self) -> bool:
        return self.resampling == "area"

    @property
    def _base(self) -> Geometry:
        if self.upright is not None:
            return self.upright.geometry
        return self.source if self.crop is None else crop_geometry(self.source, self.crop)

    def _turn(self, array: Array) -> Array:
        leading: int = array.ndim - 3
        axes = (*range(leading), *(leading + axis for axis in self.order))
        return np.flip(np.transpose(array, axes), self._flipped_axes(leading))

    def _turn_back(self, array: Array) -> Array:
        leading: int = array.ndim - 3
        axes = (*range(leading), *(leading + int(axis) for axis in np.argsort(self.order)))
        back = np.transpose(np.flip(array, self._flipped_axes(leading)), axes)
        if self.upright is not None:
            back = self.upright.back(back)
        if self.crop is None:
            return np.ascontiguousarray(back)
        source = np.zeros((*array.shape[:leading], *self.source.shape), back.dtype)
        source[(..., *self.cropped)] = back
        return source

    def _flipped_axes(self, leading: int) -> tuple[int, ...]:
        return tuple(leading + axis for axis, is_flipped in enumerate(self.flips) if is_flipped)

    def _check(self, array: FloatArray | LabelArray, shape: Shape3, grid: str) -> None:
        if array.shape[-3:] != shape:
            raise GridError(f"An array of shape {array.shape} does not lie on the {grid} grid of {shape} voxels.")
