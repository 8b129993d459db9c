"""Logits of a whole volume, for what cannot be decided slab by slab: objects, calibration."""

from __future__ import annotations

import numpy as np

from napari_medclf.domain.arrays import FloatArray
from napari_medclf.domain.errors import GridError
from napari_medclf.domain.geometry import Shape3


class WholeLogits:
    """Collects slabs into one array on the model grid.

    Parameters
    ----------
    shape : (K, J, I)
        Voxels of the model grid.
    axis : int
        Spatial axis along which slabs follow each other.
    """

    def __init__(self, shape: Shape3, axis: int = 0) -> None:
        self._shape = shape
        self._logits: FloatArray | None = None  # the first slab tells how many classes there are
        self._axis = axis
        self._next = 0

    def take(self, start: int, logits: FloatArray) -> None:
        """Copy the next slab (C, K, J, I).

        Raises
        ------
        GridError
            If it does not follow the one before.
        """
        if self._logits is None:
            self._logits = np.empty((len(logits), *self._shape), dtype=np.float32)
        if start != self._next:
            raise GridError(f"A slab begins at {start}; the next one has to begin at {self._next}.")
        self._next = start + logits.shape[1 + self._axis]
        np.moveaxis(self._logits, 1 + self._axis, 0)[start : self._next] = np.moveaxis(logits, 1 + self._axis, 0)

    def finish(self) -> FloatArray:
        """Give the logits (C, K, J, I) float32 of the whole model grid.

        Raises
        ------
        GridError
            If slabs are missing.
        """
        n_planes = self._shape[self._axis]
        if self._logits is None or self._next != n_planes:
            raise GridError(f"Only {self._next} of {n_planes} planes arrived.")
        return self._logits
