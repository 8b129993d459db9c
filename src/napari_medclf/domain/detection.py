"""Objects that were found, as boxes with scores."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from napari_medclf.domain.arrays import FloatArray
from napari_medclf.domain.errors import GridError
from napari_medclf.domain.geometry import Geometry
from napari_medclf.domain.labels import LabelSchema


@dataclass(frozen=True, eq=False)
class Detection:
    """Boxes on the grid of an image.

    Parameters
    ----------
    boxes : (n, 2, 3) float64
        Lowest and highest corner (k, j, i) of each box as positions on the grid: a voxel's centre lies at its index, so
        a box around voxel (4, 5, 6) alone is (3.5, 4.5, 5.5) to (4.5, 5.5, 6.5). Lowest first on every axis.
    scores : (n,) float
        In [0, 1], best first.
    names : tuple of str
        The class of each box, of `schema`.
    geometry : Geometry
        The grid of the image that was searched; its affine brings corners to LPS mm.
    is_edited : bool
        Whether a person changed, removed or added a box.

    Raises
    ------
    GridError
        If the arrays do not fit together.
    SchemaError
        If a name is no class.
    """

    boxes: FloatArray
    scores: FloatArray
    names: tuple[str, ...]
    geometry: Geometry
    schema: LabelSchema
    source_digest: str = ""
    name: str = "boxes"
    is_edited: bool = False
    notes: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        n = len(self.names)
        if self.boxes.shape != (n, 2, 3) or self.scores.shape != (n,):
            raise GridError(f"Boxes of shape {self.boxes.shape} with {len(self.scores)} scores and {n} names disagree.")
        if n and not np.isfinite(self.boxes).all():
            raise GridError("A box has corners that are not finite numbers.")
        if (self.boxes[:, 0] > self.boxes[:, 1]).any():
            raise GridError("A box has its highest corner before its lowest.")
        for one in set(self.names):
            self.schema.named(one)

    def __len__(self) -> int:
        return len(self.names)

    @property
    def centres(self) -> FloatArray:
        """Middle (n, 3) of each box as (k, j, i) positions on the grid."""
        return np.asarray(self.boxes.mean(axis=1))

    @property
    def sizes_mm(self) -> FloatArray:
        """Edge lengths (n, 3) of each box along k, j, i; in pixels where the image has no scale."""
        return np.asarray((self.boxes[:, 1] - self.boxes[:, 0]) * np.asarray(self.geometry.spacing))
