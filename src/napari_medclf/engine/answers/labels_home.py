"""The way of finished logits to label values on the image's own grid, as a card wants it."""

from __future__ import annotations

import numpy as np

from napari_medclf.domain.arrays import FloatArray, LabelArray
from napari_medclf.domain.card import ModelCard
from napari_medclf.domain.output_spec import OutputSpec
from napari_medclf.engine.answers.checked import count_outputs
from napari_medclf.engine.decide import activate, decide_labels, values_of_channels
from napari_medclf.engine.grid.grid_map import GridMap
from napari_medclf.engine.restore.argmax import ArgmaxHome
from napari_medclf.engine.restore.thresholds import ThresholdHome
from napari_medclf.engine.sliding.tiles import choose_axis
from napari_medclf.engine.sliding.window import Window

# Where no window was run, background wins by so much that no rounding matters.
_SURE_LOGIT = 20.0
# Along the image's slices labels come home with the least work; another axis must spare more memory than this.
_WORTH = 1.5


class LabelsHome:
    """A sink that ends in label values of the card's schema; see `OutputSpec.resampled`."""

    def __init__(self, grid: GridMap, card: ModelCard, axis: int) -> None:
        output = card.output
        self._output, self._is_activated_first = output, output.resampled == "probabilities"
        if self._is_activated_first:
            output = output.model_copy(update={"is_activated": True, "temperature": 1.0})
        # nnU-Net's variant that resamples with torch (a linear card) does so in single precision.
        is_half = card.input.tiling == "nnunet" and card.input.resampling == "cubic"
        self._home: ArgmaxHome | ThresholdHome | _NearestHome
        if output.resampled == "labels":
            self._home = _NearestHome(grid, output, axis)
        elif is_argmax(output):
            self._home = ArgmaxHome(grid, count_outputs(card), axis, is_half=is_half)
        else:
            self._home = ThresholdHome(grid, output, count_outputs(card), axis, is_half=is_half)

    def take(self, start: int, logits: FloatArray) -> None:
        """Take the next slab (C, K, J, I)."""
        if self._is_activated_first:
            logits = logits.astype(np.float32, order="C", copy=True)
            activate(logits, self._output)
        self._home.take(start, logits)

    def finish(self) -> LabelArray:
        """Give label values (K, J, I) on the source grid."""
        found = self._home.finish()
        if not isinstance(self._home, ArgmaxHome):
            return found
        values = _values(self._output)
        is_same = values.dtype == found.dtype and np.array_equal(values, np.arange(len(values)))
        return found if is_same else values[found]


class _NearestHome:
    """Decides on the model grid; the image's voxels take the label of the nearest one."""

    def __init__(self, grid: GridMap, output: OutputSpec, axis: int) -> None:
        self._grid, self._output, self._axis = grid, output, axis
        self._labels: LabelArray = np.zeros(grid.shape, _values(output).dtype)

    def take(self, start: int, logits: FloatArray) -> None:
        box = [slice(None)] * 3
        box[self._axis] = slice(start, start + logits.shape[self._axis + 1])
        self._labels[tuple(box)] = self._decide(logits)

    def finish(self) -> LabelArray:
        return self._grid.restore_labels(self._labels)

    def _decide(self, logits: FloatArray) -> LabelArray:
        if is_argmax(self._output):
            return np.asarray(_values(self._output)[logits.argmax(axis=0)])
        probabilities = logits.astype(np.float32, order="C", copy=True)
        activate(probabilities, self._output)
        return decide_labels(probabilities, self._output)


def _values(output: OutputSpec) -> LabelArray:
    return values_of_channels(output.schema_, has_background=output.has_background_channel)


def is_argmax(output: OutputSpec) -> bool:
    """Whether the largest logit decides: classes that exclude each other, without thresholds."""
    return output.activation == "softmax" and not output.thresholds


def choose_home_axis(grid: GridMap, window: Window) -> int:
    """Choose the model axis along which finished logits leave: the image's slices, unless that takes much memory."""
    best = choose_axis(grid.shape, window)
    if window.spatial_dims == 2 or window.tiling == "nnunet":
        return best
    held = [min(size / n, 1.0) for size, n in zip(window.tile, grid.shape, strict=True)]
    slices = grid.order.index(0)
    return slices if held[slices] <= _WORTH * held[best] else best


def background_logits(card: ModelCard) -> FloatArray:
    """What stands where no window was run, (channels of all members,) float32."""
    output = card.output
    low, high = (0.0, 1.0) if output.is_activated else (-_SURE_LOGIT, _SURE_LOGIT)
    one = np.full(count_outputs(card), low, dtype=np.float32)
    if output.has_background_channel:
        one[0] = high
    return np.tile(one, output.n_members)
