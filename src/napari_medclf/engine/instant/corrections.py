"""What a person says about single voxels of one image."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_medclf.domain.arrays import LabelArray
from napari_medclf.domain.errors import GridError
from napari_medclf.domain.geometry import Shape3
from napari_medclf.domain.stroke import Stroke
from napari_medclf.domain.voxel_origin import OriginMap


@dataclass(frozen=True, eq=False)
class Corrections:
    """Voxels with the label values that are right there.

    Parameters
    ----------
    voxels : (N, 3) int64
        (k, j, i) on the image's own grid. Where one stands twice, the later one counts.
    values : (N,) integer
        Label values of the model's schema; 0 is background.

    Raises
    ------
    GridError
        If the arrays are not of one length.
    """

    voxels: NDArray[np.int64]
    values: LabelArray

    def __post_init__(self) -> None:
        if self.voxels.ndim != 2 or self.voxels.shape[1] != 3 or self.values.shape != self.voxels.shape[:1]:
            raise GridError(
                f"Corrections need voxels (N, 3) and N values, not {self.voxels.shape} and {self.values.shape}."
            )

    def __len__(self) -> int:
        return len(self.values)

    @classmethod
    def none(cls) -> Corrections:
        """Nothing said yet."""
        return cls(np.zeros((0, 3), np.int64), np.zeros(0, np.uint8))

    @classmethod
    def of_stroke(cls, stroke: Stroke, shape: Shape3) -> Corrections:
        """Take what a stroke left behind in labels of (K, J, I) voxels."""
        return cls(np.stack(np.unravel_index(stroke.voxels, shape), axis=1).astype(np.int64), stroke.after)

    @classmethod
    def of_labels(cls, labels: LabelArray, origin: OriginMap) -> Corrections:
        """Take every voxel (K, J, I) that a person vouched for: where `origin` is not 0.

        Raises
        ------
        GridError
            If labels and origin are of different shapes.
        """
        if labels.shape != origin.shape:
            raise GridError(f"Labels {labels.shape} and their origin {origin.shape} are of different shapes.")
        voxels = np.argwhere(origin != 0)
        return cls(voxels, labels[tuple(voxels.T)])

    def __add__(self, later: Corrections) -> Corrections:
        return Corrections(np.concatenate([self.voxels, later.voxels]), np.concatenate([self.values, later.values]))
