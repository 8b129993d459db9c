"""Where in an image a classifier found what speaks for a class."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from napari_medclf.domain.arrays import FloatArray
from napari_medclf.domain.geometry import Geometry


@dataclass(frozen=True, eq=False)
class HeatMap:
    """What speaks for one class, voxel by voxel, on the image's own grid.

    Parameters
    ----------
    values : (K, J, I) float32
        From 0 (nothing speaks for the class here) to 1 (most does); 0 everywhere where nothing in the image does.
    class_name : str
        The class that is explained.
    score : float
        How likely the model thinks the class, 0 to 1.
    peak : float
        What 1 stands for, in the network's own unit: maps of one model can be compared by it.
    cells : (k, j, i)
        How many places the network itself tells apart along each axis of its input; between them the map is smooth.
    warnings : tuple of str
        What a reader must know, as sentences.
    """

    values: FloatArray
    geometry: Geometry
    class_name: str
    score: float
    peak: float
    cells: tuple[int, int, int]
    warnings: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether nothing in the image speaks for the class."""
        return not self.peak > 0

    @property
    def hottest(self) -> tuple[float, float, float]:
        """Middle of the voxels that speak most for the class, in the geometry's world (LPS mm, or pixels)."""
        places = np.argwhere(self.values >= self.values.max(initial=0))
        x, y, z = self.geometry.to_world(places.mean(axis=0)).tolist()
        return x, y, z
