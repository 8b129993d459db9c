"""How unsure a network is about a whole image, as one number that is found while its logits pass by."""

from __future__ import annotations

import numpy as np

from napari_medclf.domain.arrays import BoolArray, FloatArray
from napari_medclf.domain.output_spec import OutputSpec
from napari_medclf.engine.decide import activate
from napari_medclf.engine.restore.entropy import normalised_entropy

_DOUBTED = 0.25
_MOST_AN_AXIS = 64
"""So many samples an axis are enough for a mean, and cost next to nothing."""


class MeanDoubt:
    """Mean entropy, 0 (sure) to 1, of the model grid's voxels where something was found or doubted.

    Parameters
    ----------
    output : OutputSpec
        Activation and temperature.
    shape : (K, J, I)
        Of the model grid; at most 64 of its voxels an axis are looked at, evenly spread.
    axis : int
        Along which slabs follow each other.

    Notes
    -----
    The mean over all voxels would tell how large the object is rather than how unsure the network. A voxel counts as
    doubted from an entropy of 0.25 on, as in `engine.active.doubt.map_doubt`, which sums up a whole map.
    """

    def __init__(self, output: OutputSpec, shape: tuple[int, ...], axis: int = 0) -> None:
        self._output, self._axis = output, axis
        self._steps = [-(-n // _MOST_AN_AXIS) for n in shape]
        self._sum, self._n = 0.0, 0

    def take(self, start: int, logits: FloatArray) -> None:
        """Take the next slab of logits (C, K, J, I); it is only read."""
        picked = [slice(None, None, step) for step in self._steps]
        step = self._steps[self._axis]
        picked[self._axis] = slice(-start % step, None, step)
        probabilities = logits[(slice(None), *picked)].astype(np.float32, order="C", copy=True)
        if not probabilities.size:
            return
        activate(probabilities, self._output)
        entropy = normalised_entropy(probabilities, self._output)
        looked_at = _is_found(probabilities, self._output) | (entropy >= _DOUBTED)
        self._sum += float(entropy[looked_at].sum(dtype=np.float64))
        self._n += int(np.count_nonzero(looked_at))

    @property
    def value(self) -> float:
        """The mean; 0 where nothing was found or doubted."""
        return min(max(self._sum / self._n, 0.0), 1.0) if self._n else 0.0


def _is_found(probabilities: FloatArray, output: OutputSpec) -> BoolArray:
    """Whether anything but background is more probable than not."""
    if output.activation == "softmax" and output.has_background_channel:
        return np.asarray(probabilities[0] < 0.5)
    return np.asarray(probabilities.max(axis=0) >= 0.5)
