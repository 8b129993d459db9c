"""Labels of independent classes, or of classes with thresholds, on the image's own grid."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_medclf.domain.arrays import FloatArray, LabelArray
from napari_medclf.domain.output_spec import OutputSpec
from napari_medclf.engine.decide import activate, decide_labels
from napari_medclf.engine.restore.whole import WholeLogits

if TYPE_CHECKING:
    from napari_medclf.engine.grid.grid_map import GridMap


class ThresholdHome:
    """Decides by probability, with the card's thresholds.

    Parameters
    ----------
    grid : GridMap
        The way home.
    output : OutputSpec
        Classes, activation, thresholds.
    n_classes : int
        Channels of the logits.
    axis : int
        Model axis along which slabs follow each other.
    """

    def __init__(self, grid: GridMap, output: OutputSpec, n_classes: int, axis: int = 0) -> None:
        self._grid, self._output = grid, output
        self._whole = WholeLogits(grid.shape, n_classes, axis)

    def take(self, start: int, logits: FloatArray) -> None:
        """Take the next slab (C, K, J, I)."""
        self._whole.take(start, logits)

    def finish(self) -> LabelArray:
        """Give label values (K, J, I) of the schema on the source grid."""
        logits = self._whole.finish()
        activate(logits, self._output)
        return decide_labels(self._grid.iter_restored(logits), self._output)
