"""How unsure a network is, voxel by voxel, on the image's own grid."""

from __future__ import annotations

import numpy as np

from napari_medclf.domain.arrays import FloatArray
from napari_medclf.domain.output_spec import OutputSpec
from napari_medclf.engine.decide import activate
from napari_medclf.engine.grid.grid_map import GridMap
from napari_medclf.engine.restore.stream import LayerSink


class EntropyHome(LayerSink):
    """Normalised entropy of the probabilities, 0 (sure) to 1, computed on the model grid and interpolated.

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
        super().__init__(grid, 1, axis, np.float32)
        self._output = output

    def take(self, start: int, logits: FloatArray) -> None:
        """Take the next slab of logits (C, K, J, I); it is only read."""
        probabilities = logits.astype(np.float32, order="C", copy=True)
        activate(probabilities, self._output)
        super().take(start, normalised_entropy(probabilities, self._output)[np.newaxis])

    def fill(self, planes: FloatArray, first_layer: int, n_layers: int) -> None:
        """Interpolate the new voxels that lie in some layers."""
        span = self.axes[0].span(first_layer, n_layers)
        with self.landing.open(span) as block:
            for plane, rows, values in self.dense.iter_rows(planes, first_layer, n_layers):
                np.clip(values[0], 0, 1, out=block[plane - span.start, rows])


def normalised_entropy(probabilities: FloatArray, output: OutputSpec) -> FloatArray:
    """Entropy of probabilities (C, ...) over its largest possible value: (...) float32 in [0, 1].

    Notes
    -----
    Exclusive classes: over the logarithm of their number. Independent ones: the mean of each class's own
    entropy in bits.
    """
    tiny = np.float32(np.finfo(np.float32).tiny)
    each = probabilities * np.log(np.maximum(probabilities, tiny))
    if output.activation == "sigmoid":
        other = 1 - probabilities
        each += other * np.log(np.maximum(other, tiny))
        return np.asarray(each.mean(axis=0) / np.float32(-np.log(2)), dtype=np.float32)
    return np.asarray(each.sum(axis=0) / np.float32(-np.log(max(len(probabilities), 2))), dtype=np.float32)
