"""Layers that others made, taken as images and labels on the grid napari shows them on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_medclf.bridge.napari_world import is_straight, layer_to_world
from napari_medclf.bridge.orientation import DisplayFrame
from napari_medclf.domain.errors import GridError
from napari_medclf.domain.geometry import Geometry, Unit
from napari_medclf.domain.image import ChannelKind, MedImage
from napari_medclf.domain.labels import LabelClass, LabelSchema
from napari_medclf.domain.results import Segmentation

_LPS_OF_WORLD = np.array([[0.0, 0, 1, 0], [0, 1, 0, 0], [-1, 0, 0, 0], [0, 0, 0, 1]])
"""napari's world of a volume is (-z, y, x) of LPS, see `placement`."""


def image_of_foreign_layer(array: NDArray[Any], attributes: Mapping[str, Any]) -> MedImage:
    """Take an image layer of another plugin as an image: axis 0 towards Inferior, 1 Posterior, 2 Left.

    Raises
    ------
    GridError
        If the layer is not 2D or 3D.
    """
    is_rgb = bool(attributes.get("rgb", False))
    if is_rgb:
        array = np.moveaxis(array[..., :3], -1, 0)
    geometry, frame = foreign_grid(array.shape[1:] if is_rgb else array.shape, attributes)
    limits = attributes.get("contrast_limits")
    return MedImage(
        np.ascontiguousarray(frame.from_display(array)),
        geometry,
        name=str(attributes.get("name", "image")),
        channel_kind=ChannelKind.COLOUR if is_rgb else ChannelKind.NONE,
        channel_names=("red", "green", "blue") if is_rgb else (),
        window=None if limits is None or is_rgb else (float(limits[0]), float(limits[1])),
    )


def labels_of_foreign_layer(array: NDArray[Any], attributes: Mapping[str, Any]) -> Segmentation:
    """Take a labels layer of another plugin; its values become classes ``label 1``, ``label 2`` and so on.

    Raises
    ------
    GridError
        If the layer is not 2D or 3D.
    """
    geometry, frame = foreign_grid(array.shape, attributes)
    values = [int(value) for value in np.unique(array) if value > 0]
    colours = LabelSchema.from_names([f"label {value}" for value in values], first_value=1).classes
    classes = tuple(
        LabelClass(value=value, name=one.name, colour=one.colour) for one, value in zip(colours, values, strict=True)
    )
    labels = np.ascontiguousarray(frame.from_display(array))
    name = str(attributes.get("name", "labels"))
    return Segmentation(labels, geometry, LabelSchema(classes=classes), name=name)


def foreign_grid(shape: tuple[int, ...], attributes: Mapping[str, Any]) -> tuple[Geometry, DisplayFrame]:
    """Take the place that napari shows a layer at, turned and sheared as it may be, as a grid.

    Raises
    ------
    GridError
        If the layer is not 2D or 3D, or is a picture that is turned or sheared.
    """
    ndim = len(shape)
    if ndim not in {2, 3}:
        raise GridError(f"A layer of {ndim} dimensions is no picture and no volume; take a 2D or 3D one.")
    try:
        world = layer_to_world(attributes, ndim)
    except ValueError as error:
        raise GridError(f"It cannot be told where this layer lies: {error}.") from error
    is_metric = any(str(unit) in {"mm", "millimeter"} for unit in attributes.get("units", ()))
    unit = Unit.MILLIMETRE if is_metric else Unit.PIXEL
    if ndim == 2:
        if not is_straight(world):
            raise GridError("This picture is turned, mirrored or sheared in the viewer; set its transform back first.")
        geometry = Geometry.from_spacing((1, shape[0], shape[1]), (1.0, world[0, 0], world[1, 1]), unit=unit)
        return geometry, DisplayFrame((0, 1, 2), (False, False, False), is_flat=True)
    geometry = Geometry(_LPS_OF_WORLD @ world, (shape[0], shape[1], shape[2]), unit=unit)
    return geometry, DisplayFrame((0, 1, 2), (False, False, False), is_flat=False)
