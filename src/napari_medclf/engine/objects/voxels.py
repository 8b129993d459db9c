"""The voxels of many objects, sorted so that numbers of all objects are counted at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_medclf.domain.arrays import FloatArray, LabelArray

Rows = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class ObjectVoxels:
    """Voxels of all objects, those of one object next to each other.

    Parameters
    ----------
    numbers : (N,) int
        The objects' values in the labels, ascending.
    at : (V,) int
        Raveled index of each voxel.
    row : (V,) int
        Position in `numbers` of each voxel's object, ascending.
    shape : (K, J, I)
        Of the labels.
    """

    numbers: LabelArray
    at: NDArray[np.int64]
    row: Rows
    shape: tuple[int, ...]

    @classmethod
    def of(cls, objects: LabelArray) -> ObjectVoxels:
        """Sort the voxels of (K, J, I) labels, 0 = no object."""
        flat = objects.ravel()
        at = np.flatnonzero(flat)
        at = at[np.argsort(flat[at], kind="stable")]
        numbers, row = np.unique(flat[at], return_inverse=True)
        return cls(numbers, at, row, objects.shape)

    def __len__(self) -> int:
        return len(self.numbers)

    @property
    def n_vox(self) -> Rows:
        """Voxels (N,) of each object; never 0."""
        return np.bincount(self.row, minlength=len(self))

    @property
    def index(self) -> FloatArray:
        """Index (V, 3) of each voxel, as floats."""
        return np.stack(np.unravel_index(self.at, self.shape), 1).astype(np.float64)

    def mean(self, values: FloatArray) -> FloatArray:
        """Mean (N,) over the voxels of each object of values (V,)."""
        return np.bincount(self.row, values, len(self)) / self.n_vox

    def quantiles(self, values: FloatArray, points: tuple[float, ...]) -> FloatArray:
        """Quantiles (N, len(points)) of values (V,), nearest rank."""
        ordered = values[np.lexsort((values, self.row))]
        n_vox = self.n_vox
        start = np.concatenate([[0], np.cumsum(n_vox)[:-1]])
        picked = [start + np.rint(point * (n_vox - 1)).astype(np.intp) for point in points]
        return np.stack([ordered[rows] for rows in picked], 1)
