"""Everything that touches layers: only ever called on the GUI thread."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from napari.layers import Image, Labels, Layer, Shapes

from napari_medclf.bridge.derived import REPORT_KEY
from napari_medclf.bridge.foreign import foreign_grid, image_of_foreign_layer
from napari_medclf.bridge.layer_info import LayerInfo, layer_info
from napari_medclf.bridge.layers import LayerTuple
from napari_medclf.bridge.napari_world import placed_of
from napari_medclf.bridge.overlap import apart_sentence
from napari_medclf.domain.derived import MeasurementReport
from napari_medclf.domain.errors import GridError
from napari_medclf.domain.geometry import Geometry
from napari_medclf.domain.image import MedImage
from napari_medclf.domain.labels import LabelClass
from napari_medclf.ui.overlays import source_index

_IN_SIGHT = 0.8
"""The part of the canvas, around its middle, in which a place is seen well."""


def add_layer(viewer: Any, described: LayerTuple) -> Layer:
    """Add what the bridge described to the viewer."""
    data, keywords, kind = described
    return viewer.add_layer(Layer.create(data, keywords, kind))


def info_of(layer: Layer) -> LayerInfo | None:
    """What a layer of ours remembers; None for others."""
    return layer_info(layer.metadata)


def image_of(layer: Image) -> MedImage:
    """The image behind an image layer, also one that another plugin opened.

    Raises
    ------
    GridError
        If the layer has a shape that no image of ours can have.
    """
    info = info_of(layer)
    if info is not None and info.image is not None:
        return info.image
    return image_of_foreign_layer(np.asarray(layer.data), layer.as_layer_data_tuple()[1])


def loose_reports(viewer: Any, *, only_active: bool) -> tuple[MeasurementReport, ...]:
    """Reports that were opened without their image: all, or that of the active layer."""
    layers = [viewer.layers.selection.active] if only_active else list(viewer.layers)
    return tuple(layer.metadata[REPORT_KEY] for layer in layers if layer is not None and REPORT_KEY in layer.metadata)


def overlap_warning(viewer: Any, added: Layer) -> str:
    """Say with which image a new layer of ours does not lie as in the patient; empty where all is well."""
    info = info_of(added)
    if info is None:
        return ""
    if info.is_map:
        return ""  # it lies on the image that it is about
    others = [layer for layer in viewer.layers if is_image(layer) and layer.unique_id != added.unique_id]
    known = [(layer.name, found.geometry) for layer in others if (found := info_of(layer)) is not None]
    if isinstance(added, Labels) and any(info.geometry.same_grid(geometry) for _, geometry in known):
        return ""  # it lies on its own image; how that lies on others was said when it came
    return apart_sentence(added.name, info.geometry, known)


def is_image(layer: Layer | None) -> bool:
    """Whether a layer shows an image, and not a model's doubt about one or where it looked."""
    if not isinstance(layer, Image):
        return False
    info = info_of(layer)
    return info is None or not info.is_map


def is_our_labels(layer: Layer | None) -> bool:
    """Whether a layer is a labels layer that the bridge described."""
    if not isinstance(layer, Labels):
        return False
    info = info_of(layer)
    return info is not None and info.segmentation is not None


def current_image_layer(viewer: Any) -> Image | None:
    """The image that is meant: the active one, or the one under the active labels, or the topmost."""
    active = viewer.layers.selection.active
    if is_image(active):
        return active
    if is_our_labels(active):
        under = images_under(viewer, active)
        if under:
            return under[0]
    return next((layer for layer in reversed(viewer.layers) if is_image(layer)), None)


def images_under(viewer: Any, labels: Layer) -> list[Image]:
    """The image layers that labels lie on, topmost first."""
    images = [layer for layer in reversed(viewer.layers) if is_image(layer)]
    return [layer for layer in images if _belongs(labels, layer)]


def value_to_paint(labels: Labels, chosen: LabelClass) -> int:
    """The label value that paints a class: its own, or a new object's number where objects are told apart."""
    info = info_of(labels)
    if info is not None and info.segmentation is not None and info.segmentation.is_instances:
        return int(np.max(labels.data)) + 1
    return chosen.value


def labels_of(viewer: Any, image_layer: Image | None) -> Labels | None:
    """The labels layer to correct: the active one if it belongs to the image, else the topmost that does."""
    if image_layer is None:
        return None
    active = viewer.layers.selection.active
    candidates = [active, *reversed(viewer.layers)]
    return next((layer for layer in candidates if is_our_labels(layer) and _belongs(layer, image_layer)), None)


def boxes_of(viewer: Any, image_layer: Image | None) -> Shapes | None:
    """The boxes that a model found in an image: the active layer if it is theirs, else the topmost that is."""
    under = None if image_layer is None else info_of(image_layer)
    if under is None:
        return None
    for layer in (viewer.layers.selection.active, *reversed(viewer.layers)):
        info = info_of(layer) if isinstance(layer, Shapes) else None
        if info is not None and info.detection is not None and info.geometry.same_grid(under.geometry):
            return layer
    return None


def visible_slice(viewer: Any, layer: Image) -> tuple[int, int] | None:
    """The slice of an image that is looked at, as (axis, index) of its own grid; None in 3D and for pictures."""
    info = info_of(layer)
    if info is None or info.frame.is_flat or viewer.dims.ndisplay != 2:
        return None
    above = viewer.dims.ndim - 3
    stepped = [axis for axis in range(3) if axis + above not in viewer.dims.displayed]
    if len(stepped) != 1:
        return None
    axis = info.frame.order[stepped[0]]
    place = source_index(layer, info, np.asarray(viewer.dims.point, dtype=np.float64))[axis]
    return axis, int(np.clip(round(float(place)), 0, info.geometry.shape[axis] - 1))


def voxel_under_cursor(viewer: Any, layer: Layer) -> tuple[int, int, int] | None:
    """The voxel (k, j, i) of a layer's own grid that the mouse was over last; None beside the image."""
    info = info_of(layer)
    if info is None:
        return None
    place = source_index(layer, info, np.asarray(viewer.cursor.position, dtype=np.float64))
    k, j, i = (round(float(at)) for at in place)
    is_inside = all(0 <= at < size for at, size in zip((k, j, i), info.geometry.shape, strict=True))
    return (k, j, i) if is_inside else None


def show_acquired_plane(viewer: Any, layer: Image) -> None:
    """Show the plane in which a volume was acquired, at its middle, filling the canvas."""
    info = info_of(layer)
    if info is None or layer.ndim > viewer.dims.ndim:
        return
    extra = viewer.dims.ndim - (2 if info.frame.is_flat else 3)
    viewer.dims.order = (*range(extra), *(extra + axis for axis in info.frame.dims_order))
    if not info.frame.is_flat:
        axis = info.frame.slice_axis
        own = layer.ndim - 3 + axis
        # On a slice, never between two: napari 0.9 fails where a shape is drawn between slices
        place = layer.translate[own] + layer.scale[own] * (layer.data.shape[own] // 2)
        viewer.dims.set_point(extra + axis, place)
    viewer.reset_view()


def show_plane(viewer: Any, axis: int, place: float) -> None:
    """Step to a place on one of the last three axes, if that axis is stepped through."""
    position = viewer.dims.ndim - 3 + axis
    if position >= 0 and position not in viewer.dims.displayed:
        viewer.dims.set_point(position, place)


def centre_on(viewer: Any, layer: Layer, place: Sequence[float]) -> None:
    """Step to a place, given as an index (k, j, i) on the grid of a layer of ours; pan where it is not in sight."""
    info = info_of(layer)
    if info is None:
        return
    world = layer.data_to_world(info.frame.to_display_index(place, info.geometry.shape))
    above = viewer.dims.ndim - len(world)
    for axis, at in enumerate(world):
        if axis + above not in viewer.dims.displayed:
            viewer.dims.set_point(axis + above, at)
    shown = tuple(float(world[axis - above]) for axis in viewer.dims.displayed)
    camera = viewer.scene.camera
    reach = np.asarray(viewer.canvas.size) / camera.zoom / 2
    if (np.abs(np.asarray(camera.center[-2:]) - shown[-2:]) > _IN_SIGHT * reach).any():
        camera.center = shown


def _belongs(labels: Layer, image_layer: Image) -> bool:
    """Whether labels lie on the image: by the image they were made from, else by their grid."""
    info = info_of(labels)
    if info is None or info.segmentation is None:
        return False
    under = info_of(image_layer)
    image = None if under is None else under.image
    if image is not None and info.segmentation.source_digest and image.source.digest:
        return info.segmentation.source_digest == image.source.digest
    geometry = image.geometry if image is not None else _foreign_geometry(image_layer)
    return geometry is not None and info.geometry.same_grid(geometry)


def _foreign_geometry(layer: Image) -> Geometry | None:
    shape = layer.data.shape[:-1] if layer.rgb else layer.data.shape
    try:
        return foreign_grid(shape, placed_of(layer))[0]
    except GridError:
        return None
