"""What a run writes of boxes and of doubt: boxes as JSON and CSV, a map of uncertainty as NIfTI."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_medclf.jobs.outputs.formats import BOX_FILES, UNCERTAINTY_FILE

if TYPE_CHECKING:
    from napari_medclf.domain.detection import Detection
    from napari_medclf.domain.results import Prediction, UncertaintyMap


def write_box_files(prediction: Prediction, folder: Path) -> tuple[Path, ...]:
    """Write the boxes of a detector, or those around the separate parts of a segmentation.

    Raises
    ------
    WriteError
        If a file cannot be written.
    """
    from napari_medclf.io.box_table import write_boxes

    detection = boxes_of(prediction)
    document = folder / BOX_FILES["boxes"]
    paths = (document, document.with_suffix(".csv"))
    for path in paths:
        write_boxes(detection, path)
    return paths


def count_boxes(detection: Detection) -> dict[str, Any]:
    """How many boxes of each class there are, as columns of the results."""
    foreground = [one.name for one in detection.schema.foreground] or list(detection.schema.names)
    return {f"n_boxes:{name}": detection.names.count(name) for name in foreground}


def write_uncertainty(uncertainty: UncertaintyMap, folder: Path) -> Path:
    """Write a map, 0 (sure) to 1, on the image's grid.

    Raises
    ------
    WriteError
        If the file cannot be written, or came back different.
    """
    import numpy as np

    from napari_medclf.domain.image import MedImage
    from napari_medclf.io.write import write_image

    path = folder / UNCERTAINTY_FILE
    values = np.asarray(uncertainty.values, dtype=np.float32)
    write_image(MedImage(values, uncertainty.geometry, uncertainty.kind), path)
    return path


def boxes_of(prediction: Prediction) -> Detection:
    """Give the boxes of a detector, or those around the separate parts of a segmentation."""
    if prediction.detection is not None:
        return prediction.detection
    from napari_medclf.engine.detection.candidates import candidates_from_labels

    assert prediction.segmentation is not None  # `check_formats` lets no other task through
    return candidates_from_labels(prediction.segmentation)
