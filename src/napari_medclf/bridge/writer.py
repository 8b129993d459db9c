"""napari's way out: layers to files, back in the patient's own orientation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from napari_medclf.bridge.authorship import authorship_of
from napari_medclf.bridge.foreign import image_of_foreign_layer, labels_of_foreign_layer
from napari_medclf.bridge.layer_info import layer_info
from napari_medclf.bridge.layers import image_layer, segmentation_from_layer
from napari_medclf.bridge.orientation import DisplayFrame
from napari_medclf.bridge.saving import save_segmentation
from napari_medclf.domain.errors import WriteError
from napari_medclf.domain.image import ChannelKind, MedImage


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
    """Write an image layer by the suffix, on its true grid; samples that nobody changed are those that were read.

    Raises
    ------
    WriteError
        If the format cannot hold the image, or the layer no longer fits the grid of its image.
    """
    from napari_medclf.io.write import write_image as write

    info = layer_info(attributes.get("metadata", {}))
    image = info.image if info is not None else None
    if image is None or info is None:
        write(image_of_foreign_layer(np.asarray(data), attributes), Path(path))
    else:
        write(_as_it_is_now(path, image, info.frame, data), Path(path))
    return [path]


def _as_it_is_now(path: str, image: MedImage, frame: DisplayFrame, data: Any) -> MedImage:
    """Take the samples of a layer, where they are others than those of the image it began with."""
    if image.is_lazy:
        return image
    shown = image_layer(image)[0]
    if np.may_share_memory(shown, data):
        return image
    if shown.shape != data.shape:
        raise WriteError(
            f"{path}: the layer has shape {data.shape}, and its image is shown as {shown.shape}; a layer that was cut "
            "or resized no longer tells where in the patient it lies."
        )
    if np.array_equal(shown, data):
        return image
    is_colour = image.channel_kind in {ChannelKind.COLOUR, ChannelKind.COLOUR_TIME}
    samples = np.moveaxis(data, -1, 1 if image.channel_kind is ChannelKind.COLOUR_TIME else 0) if is_colour else data
    return replace(image, data=np.ascontiguousarray(frame.from_display(np.asarray(samples))), window=None)
