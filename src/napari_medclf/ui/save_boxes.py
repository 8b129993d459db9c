"""Boxes as a person left them, to a table or a document, with who made them and no patient's name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from napari_medclf.bridge.authorship import authorship_of_boxes
from napari_medclf.bridge.boxes import detection_from_layer
from napari_medclf.bridge.layer_info import LayerInfo, layer_info
from napari_medclf.domain.arrays import FloatArray
from napari_medclf.domain.authorship import Authorship
from napari_medclf.domain.detection import Detection
from napari_medclf.domain.errors import WriteError

_NAME = "boxes"
"""In place of the layer's name, which begins with that of the image."""


@dataclass(frozen=True, eq=False)
class DrawnBoxes:
    """A copy of the rectangles of a layer, taken on the GUI thread and read on a worker."""

    corners: tuple[FloatArray, ...]
    metadata: Mapping[str, Any]
    features: Mapping[str, Any]

    @classmethod
    def copy_of(cls, layer: Any) -> DrawnBoxes:
        """Copy the rectangles as they are now."""
        corners = tuple(np.array(one, dtype=np.float64) for one in layer.data)
        return cls(corners, dict(layer.metadata), layer.features.copy())

    @property
    def info(self) -> LayerInfo | None:
        """What the layer remembers."""
        return layer_info(self.metadata)

    def read(self) -> Detection:
        """Bring the boxes to the image's own grid.

        Raises
        ------
        GridError
            If the layer is not one of ours.
        SchemaError
            If a class was typed that the model does not know.
        """
        return replace(detection_from_layer(self.corners, self.metadata, self.features), name=_NAME)

    def authorship(self, detection: Detection, author: str = "") -> Authorship:
        """Tell who made the boxes that were read."""
        return authorship_of_boxes(self.info, detection, author)


def write_boxes(path: str, data: Any, attributes: Mapping[str, Any]) -> list[str]:
    """Write a layer of boxes as CSV or JSON, in LPS millimetres, with what a person changed.

    Raises
    ------
    WriteError
        If the layer holds no boxes of a model, or the file does not hold the same boxes; nothing is left then.
    """
    from napari_medclf.io.box_table import write_boxes as write

    info = layer_info(attributes.get("metadata", {}))
    if info is None or info.detection is None:
        raise WriteError(
            f"{path}: these shapes are no boxes of a model, so it is not known where in the patient they lie. Choose "
            "napari's own format in the list of file types to save them as they are drawn."
        )
    corners = tuple(np.asarray(one, dtype=np.float64) for one in data)
    drawn = DrawnBoxes(corners, attributes["metadata"], attributes["features"])
    detection = drawn.read()
    write(detection, Path(path), drawn.authorship(detection))
    return [path]
