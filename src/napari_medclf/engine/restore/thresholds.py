"""Labels of independent classes, or of classes with thresholds, on the image's own grid."""

from __future__ import annotations

import numpy as np

from napari_medclf.domain.arrays import FloatArray, LabelArray
from napari_medclf.domain.output_spec import OutputSpec
from napari_medclf.engine.decide import Chooser, activate, values_of_channels
from napari_medclf.engine.grid.grid_map import GridMap
from napari_medclf.engine.restore.stream import LayerSink


class ThresholdHome(LayerSink):
    """Gives a voxel the best of the classes that reach their threshold there, or the last one in priority.

    Parameters
    ----------
    grid : GridMap
        The way home.
    output : OutputSpec
        Classes, activation, thresholds, priority.
    n_classes : int
        Channels of the logits.
    axis : int
        Model axis along which slabs follow each other.
    is_half : bool
        Round what was interpolated to half precision before it is compared, as nnU-Net does.

    Notes
    -----
    `finish` gives label values of the schema. What the network gave is interpolated, then activated (nnU-Net's rule).
    Sigmoids grow with their logit, so that a threshold on the probability is one on the logit, and a class that reaches
    it nowhere in some planes is left out.
    """

    def __init__(
        self, grid: GridMap, output: OutputSpec, n_classes: int, axis: int = 0, *, is_half: bool = False
    ) -> None:
        super().__init__(grid, n_classes, axis, values_of_channels(output.schema_).dtype)
        self._output, self._is_half = output, is_half
        self._is_independent = output.is_activated or output.activation == "sigmoid"
        self._chooser = Chooser(output, is_logit=self._is_independent and not output.is_activated)
        self._n_before = int(output.has_background_channel)

    def fill(self, planes: FloatArray, first_layer: int, n_layers: int) -> None:
        """Label the new voxels that lie in some layers."""
        span = self.axes[0].span(first_layer, n_layers)
        classes = self._list_classes(planes)
        with self.landing.open(span) as block:
            if not classes:
                block[...] = 0
                return
            chosen = planes[[self._n_before + one for one in classes]] if self._is_independent else planes
            for plane, rows, values in self.dense.iter_rows(chosen, first_layer, n_layers):
                block[plane - span.start, rows] = self._choose(values, classes)

    def _list_classes(self, planes: FloatArray) -> list[int]:
        """List the foreground classes that may reach their threshold: no mean exceeds the largest."""
        foreground = planes[self._n_before :]
        if not self._is_independent:
            return list(range(len(foreground)))
        slack = np.abs(self._chooser.limits) * 1e-3  # of rounding
        return [n for n, one in enumerate(foreground) if one.max() >= self._chooser.limits[n] - slack[n]]

    def _choose(self, values: FloatArray, classes: list[int]) -> LabelArray:
        if self._is_half:
            values = values.astype(np.float16).astype(np.float32)
        if not self._is_independent:
            activate(values, self._output)
            values = values[self._n_before :]
        return self._chooser.choose(values, classes)
