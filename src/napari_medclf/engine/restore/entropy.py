"""How unsure a network is, voxel by voxel, on the image's own grid."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_medclf.domain.arrays import FloatArray
from napari_medclf.domain.output_spec import OutputSpec
from napari_medclf.engine.decide import activate
from napari_medclf.engine.restore.whole import WholeLogits

if TYPE_CHECKING:
    from napari_medclf.engine.grid.grid_map import GridMap


class EntropyHome:
    """Normalised entropy of the probabilities, computed on the model grid and resampled.

    Parameters
    ----------
    grid : GridMap
        The way home.
    output : OutputSpec
        Activation and temperature.
    axis : int
        Model axis along which slabs follow each other.
    """

    def __init__(self, grid: GridMap, output: OutputSpec, axis: int = 0) -> None:
        self._grid, self._output = grid, output
        self._whole = WholeLogits(grid.shape, 1, axis)

    def take(self, start: int, logits: FloatArray) -> None:
        """Take the next slab (C, K, J, I)."""
        probabilities = logits.astype(np.float32, copy=True)
        activate(probabilities, self._output)
        self._whole.take(start, normalised_entropy(probabilities, self._output)[np.newaxis])

    def finish(self) -> FloatArray:
        """Give values (K, J, I) float32 from 0 (sure) to 1 on the source grid."""
        return np.clip(self._grid.restore(self._whole.finish())[0], 0, 1)


def normalised_entropy(probabilities: FloatArray, output: OutputSpec) -> FloatArray:
    """Entropy of probabilities (C, ...) over its largest possible value: (...) float32 in [0, 1].

    Notes
    -----
    Exclusive classes: over the logarithm of their number. Independent ones: the mean of each class's own
    entropy in bits.
    """
    tiny = np.float32(np.finfo(np.float32).tiny)
    each = -probabilities * np.log(np.maximum(probabilities, tiny))
    if output.activation == "sigmoid":
        other = 1 - probabilities
        each -= other * np.log(np.maximum(other, tiny))
        return np.asarray(each.mean(axis=0) / np.float32(np.log(2)), dtype=np.float32)
    return np.asarray(each.sum(axis=0) / np.float32(np.log(max(len(probabilities), 2))), dtype=np.float32)
