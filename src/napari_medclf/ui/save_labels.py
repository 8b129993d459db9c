"""``File > Save`` of labels, also of those that were drawn on one of our images with napari's own new layer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import napari
import numpy as np
from napari.layers import Image
from numpy.typing import NDArray

from napari_medclf.bridge import writer
from napari_medclf.bridge.foreign import labels_of_foreign_layer
from napari_medclf.bridge.layer_info import METADATA_KEY, LayerInfo, layer_info, without_samples
from napari_medclf.bridge.napari_world import layer_to_world, placed_of
from napari_medclf.domain.errors import WriteError
from napari_medclf.ui import viewer_link


def write_labels(path: str, data: Any, attributes: Mapping[str, Any]) -> list[str]:
    """Write a labels layer by the suffix, on the true grid of the image it lies on.

    What napari shows of an oblique series is upright; so labels that know no image take the grid of the
    image layer that is shown at exactly their place, never the upright one.

    Raises
    ------
    WriteError
        If the file would not hold the same labels on the same grid; nothing is left then.
    """
    metadata = attributes.get("metadata", {})
    if layer_info(metadata) is None:
        info = _adopted(path, np.asarray(data), attributes)
        if info is not None:
            attributes = {**attributes, "metadata": {**metadata, METADATA_KEY: info}}
    return writer.write_labels(path, data, attributes)


def _adopted(path: str, array: NDArray[Any], attributes: Mapping[str, Any]) -> LayerInfo | None:
    found = [info for info in _images_at(array, attributes) if info.image is not None]
    if not found or found[0].image is None:
        _refuse_upright(path)
        return None
    under = found[0]
    if any(not under.geometry.same_grid(other.geometry) for other in found[1:]):
        raise WriteError(
            f"{path}: images that are turned differently are shown at the place of these labels, so it is not clear "
            "on which one they lie. Remove the other images, and save again."
        )
    drawn = labels_of_foreign_layer(array, attributes)
    labels = np.ascontiguousarray(under.frame.from_display(array))
    segmentation = replace(drawn, labels=labels, geometry=under.geometry)
    return LayerInfo(
        under.geometry, under.frame, segmentation=segmentation, source_image=without_samples(found[0].image)
    )


def _refuse_upright(path: str) -> None:
    """Refuse labels of another size while an image is there that is only shown upright."""
    for layer in _image_layers():
        info = viewer_link.info_of(layer)
        if info is not None and (info.geometry.is_oblique or info.geometry.is_sheared) and not info.frame.is_flat:
            raise WriteError(
                f"{path}: these labels do not have the size and place of an image, and {layer.name} is oblique or "
                "tilted and only shown upright, so it is not known where in the patient they lie. Draw on a layer of "
                "that image's size: show it alone, then add the labels."
            )


def _image_layers() -> list[Image]:
    viewer = napari.current_viewer()
    return [] if viewer is None else [one for one in reversed(viewer.layers) if viewer_link.is_image(one)]


def _images_at(array: NDArray[Any], attributes: Mapping[str, Any]) -> list[LayerInfo]:
    """List our images that are shown with the same shape at the same place, topmost first."""
    found = []
    for layer in _image_layers():
        info, n_axes = viewer_link.info_of(layer), array.ndim
        shape = layer.data.shape[:-1] if layer.rgb else layer.data.shape
        if info is None or tuple(shape[-n_axes:]) != array.shape:
            continue
        here, there = layer_to_world(placed_of(layer), n_axes), layer_to_world(attributes, n_axes)
        if np.allclose(here, there, rtol=1e-6, atol=1e-6):
            found.append(info)
    return found
