"""What can be asked of a model that follows what a person says about one image."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from napari_medclf.domain.arrays import FloatArray, LabelArray
from napari_medclf.domain.geometry import Shape3
from napari_medclf.engine.grid.crop import Box
from napari_medclf.engine.instant.corrections import Corrections
from napari_medclf.engine.instant.refit import Refit
from napari_medclf.engine.instant.scene import Scene
from napari_medclf.engine.instant.shown import SliceAnswer


class LabelHead(Protocol):
    """`InstantHead`, which learns from what is said, or `ClickHead`, whose network was trained to listen."""

    @property
    def region(self) -> Box:
        """The box of the image, axes (k, j, i), that labels are given for."""
        ...

    @property
    def scene(self) -> Scene:
        """The prepared image."""
        ...

    @property
    def reach_vox(self) -> Shape3:
        """How far what is said in one place reaches, in voxels of the image along (k, j, i)."""
        ...

    def refit(self, corrections: Corrections) -> Refit:
        """Take in all corrections of the image so far."""
        ...

    def slice_labels(self, axis: int, index: int) -> SliceAnswer:
        """Label one slice of the region."""
        ...

    def labels(self) -> LabelArray:
        """Label the region."""
        ...

    def labels_in(self, box: Box) -> LabelArray:
        """Label a box of the region."""
        ...

    def chance_at(self, voxels: NDArray[np.int64], value: int) -> FloatArray:
        """Give the probability (N,) of a label value at voxels (N, 3) of the image; 0 outside of the region."""
        ...
