"""napari's way out: layers to files, back in the patient's own orientation."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from napari_medclf.bridge.foreign import image_of_foreign_layer, labels_of_foreign_layer
from napari_medclf.bridge.layer_info import layer_info
from napari_medclf.bridge.layers import segmentation_from_layer


def write_labels(path: str, data: Any, attributes: Mapping[str, Any]) -> list[str]:
    """Write a labels layer as NIfTI, PNG or TIFF, by the suffix; it is read back and compared.

    Raises
    ------
    WriteError
        If the written file does not hold the same labels on the same grid; nothing is left then.
    """
    from napari_medclf.io.write import write_segmentation

    array = np.asarray(data)
    metadata = attributes.get("metadata", {})
    info = layer_info(metadata)
    is_ours = info is not None and info.segmentation is not None
    write_segmentation(
        segmentation_from_layer(array, metadata) if is_ours else labels_of_foreign_layer(array, attributes), Path(path)
    )
    return [path]


def write_image(path: str, data: Any, attributes: Mapping[str, Any]) -> list[str]:
    """Write an image layer by the suffix; samples of our own layers are those that were read.

    Raises
    ------
    WriteError
        If the format cannot hold the image.
    """
    from napari_medclf.io.write import write_image as write

    info = layer_info(attributes.get("metadata", {}))
    image = info.image if info is not None else None
    write(image if image is not None else image_of_foreign_layer(np.asarray(data), attributes), Path(path))
    return [path]
