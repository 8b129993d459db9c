"""napari's way out: layers to files, back in the patient's own orientation."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_medclf.bridge.layer_info import layer_info
from napari_medclf.bridge.layers import segmentation_from_layer
from napari_medclf.bridge.orientation import DisplayFrame
from napari_medclf.domain.errors import WriteError
from napari_medclf.domain.geometry import Geometry, Unit
from napari_medclf.domain.image import ChannelKind, MedImage
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.results import Segmentation


def write_labels(path: str, data: Any, attributes: Mapping[str, Any]) -> list[str]:
    """Write a labels layer as NIfTI, PNG or TIFF, by the suffix; it is read back and compared.

    Raises
    ------
    WriteError
        If the written file does not hold the same labels on the same grid; nothing is left then.
    """
    from napari_medclf.io.write import write_segmentation

    array = np.asarray(data)
    info = layer_info(attributes.get("metadata", {}))
    if info is None or info.segmentation is None:
        segmentation = _foreign_labels(array, attributes)
    else:
        segmentation = segmentation_from_layer(array, attributes["metadata"])
    write_segmentation(segmentation, Path(path))
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
    write(image if image is not None else _foreign_image(np.asarray(data), attributes), Path(path))
    return [path]


def _foreign_labels(array: NDArray[Any], attributes: Mapping[str, Any]) -> Segmentation:
    geometry, frame = _foreign_grid(array, attributes)
    values = [int(value) for value in np.unique(array) if value > 0]
    names = LabelSchema.from_names([f"label {value}" for value in values], first_value=1)
    schema = LabelSchema(
        classes=tuple(one.model_copy(update={"value": value}) for one, value in zip(names.classes, values, strict=True))
    )
    labels = np.ascontiguousarray(frame.from_display(array))
    return Segmentation(labels, geometry, schema, name=str(attributes.get("name", "labels")))


def _foreign_image(array: NDArray[Any], attributes: Mapping[str, Any]) -> MedImage:
    is_rgb = bool(attributes.get("rgb", False))
    if is_rgb:
        array = np.moveaxis(array[..., :3], -1, 0)
    geometry, frame = _foreign_grid(array[0] if is_rgb else array, attributes)
    kind = ChannelKind.COLOUR if is_rgb else ChannelKind.NONE
    data = np.ascontiguousarray(frame.from_display(array))
    return MedImage(data, geometry, name=str(attributes.get("name", "image")), channel_kind=kind)


def _foreign_grid(array: NDArray[Any], attributes: Mapping[str, Any]) -> tuple[Geometry, DisplayFrame]:
    """Take napari's scale and origin of a layer that is not ours as an I-P-L grid."""
    if array.ndim not in {2, 3}:
        raise WriteError(f"A layer of {array.ndim} dimensions cannot be written; take a 2D or 3D one.")
    scale = tuple(float(value) for value in attributes.get("scale", (1.0,) * array.ndim))[-array.ndim :]
    origin = tuple(float(value) for value in attributes.get("translate", (0.0,) * array.ndim))[-array.ndim :]
    is_metric = any(str(unit) in {"mm", "millimeter"} for unit in attributes.get("units", ()))
    unit = Unit.MILLIMETRE if is_metric else Unit.PIXEL
    keep = (0, 1, 2)
    if array.ndim == 2:
        geometry = Geometry.from_spacing((1, array.shape[0], array.shape[1]), (1.0, scale[0], scale[1]), unit=unit)
        return geometry, DisplayFrame(keep, (False, False, False), is_flat=True)
    shape = (array.shape[0], array.shape[1], array.shape[2])
    affine = np.eye(4)
    affine[:3, :3] = np.array([[0, 0, scale[2]], [0, scale[1], 0], [-scale[0], 0, 0]])
    affine[:3, 3] = (origin[2], origin[1], -origin[0])
    return Geometry(affine, shape, unit=unit), DisplayFrame(keep, (False, False, False), is_flat=False)
