"""The way from an image's grid to the network's, and home again."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from napari_medclf.domain.arrays import FloatArray, LabelArray
from napari_medclf.domain.errors import CardError, GridError
from napari_medclf.domain.geometry import Geometry, Shape3, Unit
from napari_medclf.domain.input_spec import InputSpec
from napari_medclf.engine.grid.resize import resize_nearest, resize_samples
from napari_medclf.engine.grid.upright import Upright, stand_upright
from napari_medclf.engine.restore.argmax import restore_argmax

Array = TypeVar("Array", FloatArray, LabelArray)
_WORLD_AXIS_OF_LETTER = {"R": (0, -1), "L": (0, 1), "A": (1, -1), "P": (1, 1), "I": (2, -1), "S": (2, 1)}


@dataclass(frozen=True, eq=False)
class GridMap:
    """How a source grid became a model grid: stand upright, turn to the wanted axes, resize over the same box.

    Parameters
    ----------
    source : Geometry
        Grid of the image.
    order : (int, int, int)
        Source axis that became each axis, as in ``numpy.transpose``.
    flips : (bool, bool, bool)
        Which axes were then reversed.
    shape : (K, J, I)
        Voxels of the model grid.
    upright : Upright or None
        How a sheared grid was brought upright first.
    """

    source: Geometry
    order: Shape3
    flips: tuple[bool, bool, bool]
    shape: Shape3
    upright: Upright | None = None

    @property
    def model(self) -> Geometry:
        """Where the voxels of the model grid lie in the patient."""
        return self._base.permuted(self.order, self.flips).resampled(self.shape)

    @property
    def source_vox_per_model_vox(self) -> float:
        """How many voxels of the image make one of the model's."""
        return math.prod(self._base.shape) / math.prod(self.shape)

    def forward(self, data: FloatArray) -> FloatArray:
        """Bring samples (C, K, J, I) from the source grid to the model grid.

        Raises
        ------
        GridError
            If the shape is not the source grid's.
        """
        self._check(data, self.source.shape, "source")
        if self.upright is not None:
            data = self.upright.forward(data)
        return resize_samples(self._turn(data), self.shape)

    def forward_labels(self, labels: LabelArray) -> LabelArray:
        """Bring labels (K, J, I) from the source grid to the model grid, nearest value.

        Raises
        ------
        GridError
            If the shape is not the source grid's.
        """
        self._check(labels, self.source.shape, "source")
        if self.upright is not None:
            labels = self.upright.forward_labels(labels)
        return np.ascontiguousarray(resize_nearest(self._turn(labels), self.shape))

    def restore(self, probabilities: FloatArray) -> FloatArray:
        """Bring class probabilities home to the source grid.

        Parameters
        ----------
        probabilities : (C, K, J, I) float32
            On the model grid; sums to 1 over C where classes are exclusive, and does so afterwards.

        Raises
        ------
        GridError
            If the shape is not the model grid's.

        Notes
        -----
        Resamples before arg-max, so thin structures survive.
        """
        self._check(probabilities, self.shape, "model")
        return np.ascontiguousarray(self._turn_back(resize_samples(probabilities, self._turned_shape)))

    def iter_restored(self, probabilities: FloatArray) -> Iterator[FloatArray]:
        """Bring the classes home one after the other, (K, J, I) each, to spare memory."""
        for one_class in probabilities:
            yield self.restore(one_class[np.newaxis])[0]

    def restore_argmax(self, logits: FloatArray) -> LabelArray:
        """Bring the most probable class home, as an index (K, J, I) of the channels (C, *model) given.

        Equal to the arg-max of `restore` on softmax probabilities, in a fraction of time and memory.

        Raises
        ------
        GridError
            If the shape is not the model grid's.
        """
        self._check(logits, self.shape, "model")
        return np.ascontiguousarray(self._turn_back(restore_argmax(logits, self._turned_shape)))

    def restore_labels(self, labels: LabelArray) -> LabelArray:
        """Bring labels or object numbers (K, J, I) home, nearest value.

        Raises
        ------
        GridError
            If the shape is not the model grid's.
        """
        self._check(labels, self.shape, "model")
        return np.ascontiguousarray(self._turn_back(resize_nearest(labels, self._turned_shape)))

    @property
    def _base(self) -> Geometry:
        return self.source if self.upright is None else self.upright.geometry

    @property
    def _turned_shape(self) -> Shape3:
        shape = self._base.shape
        return (shape[self.order[0]], shape[self.order[1]], shape[self.order[2]])

    def _turn(self, array: Array) -> Array:
        leading: int = array.ndim - 3
        axes = (*range(leading), *(leading + axis for axis in self.order))
        return np.flip(np.transpose(array, axes), self._flipped_axes(leading))

    def _turn_back(self, array: Array) -> Array:
        leading: int = array.ndim - 3
        axes = (*range(leading), *(leading + int(axis) for axis in np.argsort(self.order)))
        back = np.transpose(np.flip(array, self._flipped_axes(leading)), axes)
        return back if self.upright is None else self.upright.back(back)

    def _flipped_axes(self, leading: int) -> tuple[int, ...]:
        return tuple(leading + axis for axis, is_flipped in enumerate(self.flips) if is_flipped)

    def _check(self, array: FloatArray | LabelArray, shape: Shape3, grid: str) -> None:
        if array.shape[-3:] != shape:
            raise GridError(f"An array of shape {array.shape} does not lie on the {grid} grid of {shape} voxels.")


def map_grid(source: Geometry, spec: InputSpec) -> GridMap:
    """Plan the way from an image's grid to the grid that a network expects.

    Notes
    -----
    A sheared grid (a tilted gantry) stands upright first for a 3D network, and labels come back to the
    slices as they were acquired. A 2D network sees the slices as they are: only rows and columns are
    resized, and pictures without a scale keep their axes and their pixels unless `resize_to` says otherwise.
    """
    upright = stand_upright(source) if spec.spatial_dims == 3 else None
    base = source if upright is None else upright.geometry
    order, flips = _plan_turn(base, spec)
    turned = base.permuted(order, flips)
    return GridMap(source, order, flips, _plan_shape(turned, spec), upright)


def _plan_turn(source: Geometry, spec: InputSpec) -> tuple[Shape3, tuple[bool, bool, bool]]:
    stay: tuple[Shape3, tuple[bool, bool, bool]] = ((0, 1, 2), (False, False, False))
    if spec.axis_codes is None or source.unit is Unit.PIXEL:
        return stay
    wanted = _parse_axis_codes(spec.axis_codes)
    axis_of_world = {world: (axis, sign) for axis, (world, sign) in enumerate(source.nearest_axes)}
    found = [axis_of_world[world] for world, _ in wanted]
    if spec.spatial_dims == 2 and source.is_flat and found[0][0] != 0:
        return stay  # turning a picture on its edge would leave no picture
    order = (found[0][0], found[1][0], found[2][0])
    flipped = [sign != want for (_, sign), (_, want) in zip(found, wanted, strict=True)]
    return order, (flipped[0], flipped[1], flipped[2])


def _parse_axis_codes(codes: str) -> list[tuple[int, int]]:
    wanted = [_WORLD_AXIS_OF_LETTER.get(letter, (-1, 0)) for letter in codes]
    if sorted(world for world, _ in wanted) != [0, 1, 2]:
        raise CardError(f"The axis codes {codes!r} do not name three axes; expected such as 'SPL'.")
    return wanted


def _plan_shape(turned: Geometry, spec: InputSpec) -> Shape3:
    n_kept = 3 - spec.spatial_dims
    if spec.resize_to is not None:
        wanted = spec.resize_to
    elif spec.spacing_mm is not None and turned.unit is Unit.MILLIMETRE:
        sizes = zip(turned.shape[n_kept:], turned.spacing[n_kept:], spec.spacing_mm, strict=True)
        wanted = tuple(max(1, round(n * spacing / step)) for n, spacing, step in sizes)
    else:
        return turned.shape
    k, j, i = (*turned.shape[:n_kept], *wanted)
    return (k, j, i)
