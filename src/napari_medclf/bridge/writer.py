"""napari's way out: layers to files, back in the patient's own orientation."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from napari_medclf.bridge.authorship import authorship_of
from napari_medclf.bridge.foreign import image_of_foreign_layer, labels_of_foreign_layer
from napari_medclf.bridge.layer_info import layer_info
from napari_medclf.bridge.layers import segmentation_from_layer
from napari_medclf.bridge.saving import save_segmentation


def write_labels(path: str, data: Any, attributes: Mapping[str, Any]) -> list[str]:
    """Write a labels layer by the suffix, see `save_segmentation`; it is read back and compared.

    Raises
    ------
    WriteError
        If the written file does not hold the same labels on the same grid; nothing is left then.
    """
    array = np.asarray(data)
    metadata = attributes.get("metadata", {})
    info = layer_info(metadata)
    is_ours = info is not None and info.segmentation is not None
    segmentation = segmentation_from_layer(array, metadata) if is_ours else labels_of_foreign_layer(array, attributes)
    image = None if info is None else info.source_image
    save_segmentation(segmentation, image, authorship_of(info, segmentation), Path(path))
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
