"""Images and labels as napari layer tuples ``(data, keywords, kind)``, and labels back again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_medclf.bridge.contrast import contrast_limits
from napari_medclf.bridge.features import features_table
from napari_medclf.bridge.layer_info import METADATA_KEY, LayerInfo, layer_info, without_samples
from napari_medclf.bridge.leading_axis import with_leading_axis
from napari_medclf.bridge.orientation import DisplayFrame, Placement, display_frame, placement
from napari_medclf.domain.errors import GridError
from napari_medclf.domain.image import ChannelKind, MedImage
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.results import Prediction, Segmentation
from napari_medclf.domain.voxel_origin import OriginMap

LayerTuple = tuple[Any, dict[str, Any], str]


def image_layer(image: MedImage) -> LayerTuple:
    """Describe an image as a napari image layer, upright, in millimetres, with its contrast limits.

    The samples are shared with `image`, not copied.
    """
    frame = display_frame(image.geometry)
    place = placement(image.geometry, frame)
    data = frame.to_display(image.data)
    keywords: dict[str, Any] = {
        "name": image.name,
        "metadata": {METADATA_KEY: LayerInfo(image.geometry, frame, image=image)},
    }
    if image.channel_kind is ChannelKind.COLOUR_TIME:
        return (
            _as_rgb(data, colour_axis=1),
            keywords | _placed(with_leading_axis(place, image)) | {"rgb": True},
            "image",
        )
    if image.channel_kind is ChannelKind.COLOUR:
        return _as_rgb(data), keywords | _placed(place) | {"rgb": True}, "image"
    if image.channel_kind is not ChannelKind.NONE:
        place = with_leading_axis(place, image)
    keywords |= _placed(place) | {"contrast_limits": contrast_limits(image), "colormap": "gray", "rgb": False}
    return _displayable(data), keywords, "image"


def labels_layer(
    segmentation: Segmentation,
    *,
    rows: Sequence[Mapping[str, Any]] = (),
    prediction: Prediction | None = None,
    image: MedImage | None = None,
    voxel_origins: OriginMap | None = None,
) -> LayerTuple:
    """Describe labels as a napari labels layer that may be painted on.

    Parameters
    ----------
    rows : sequence of dict
        Measurements a class or object, as ``engine.measure.class_volumes`` returns them.
    prediction : Prediction or None
        What the labels came from, kept with the layer for provenance.
    image : MedImage or None
        The image that was labelled; all but its samples is kept, for writing DICOM objects.
    voxel_origins : (K, J, I) uint8 or None
        Who each voxel comes from, where somebody had painted before.

    Returns
    -------
    tuple
        The data is a copy: napari paints into the array it is given.
    """
    frame = display_frame(segmentation.geometry)
    info = LayerInfo(
        segmentation.geometry,
        frame,
        segmentation=segmentation,
        prediction=prediction,
        source_image=None if image is None else without_samples(image),
        voxel_origins=voxel_origins,
    )
    keywords: dict[str, Any] = {
        "name": segmentation.name,
        "metadata": {METADATA_KEY: info},
        "opacity": 0.6,
        "features": features_table(segmentation, rows),
        **_placed(placement(segmentation.geometry, frame)),
    }
    if not segmentation.is_instances:
        keywords["colormap"] = class_colours(segmentation.schema)
    return display_labels(segmentation, frame), keywords, "labels"


def display_labels(segmentation: Segmentation, frame: DisplayFrame) -> NDArray[Any]:
    """Copy labels into display order, in the smallest type that napari paints quickly."""
    highest = int(segmentation.labels.max(initial=0))
    dtype = np.uint8 if highest < 256 and not segmentation.is_instances else np.int32
    return np.array(frame.to_display(segmentation.labels), dtype=dtype, order="C")


def segmentation_from_layer(data: NDArray[Any], metadata: Mapping[str, Any]) -> Segmentation:
    """Read a labels layer back, in source order on the source grid.

    Parameters
    ----------
    data : array
        ``layer.data`` of a layer that `labels_layer` described; it is copied.
    metadata : mapping
        ``layer.metadata``.

    Raises
    ------
    GridError
        If the layer is not one of ours, or no longer fits its grid.
    SchemaError
        If a value was painted that belongs to no class.
    """
    info = layer_info(metadata)
    if info is None or info.segmentation is None:
        raise GridError("This labels layer was not made by MedCLF, so its grid and classes are not known.")
    labels = np.array(info.frame.from_display(np.asarray(data)), order="C")
    if labels.shape != info.geometry.shape:
        raise GridError(
            f"The labels layer has shape {labels.shape} in (k, j, i), but its image has {info.geometry.shape}. "
            "Run the model again to get a fitting layer."
        )
    return replace(info.segmentation, labels=labels)


def class_colours(schema: LabelSchema) -> dict[int | None, str]:
    """Colours by label value, as napari's direct colour mode takes them."""
    return {None: "transparent", 0: "transparent"} | {one.value: one.colour for one in schema.foreground}


def _placed(place: Placement) -> dict[str, Any]:
    return {
        "scale": place.scale,
        "translate": place.translate,
        "units": place.units,
        "axis_labels": place.axis_labels,
    }


def _displayable(data: NDArray[Any]) -> NDArray[Any]:
    return data.astype(np.uint8) if data.dtype == np.bool_ else data


def _as_rgb(data: NDArray[Any], colour_axis: int = 0) -> NDArray[Any]:
    colour_last = np.moveaxis(data, colour_axis, -1)
    if data.dtype == np.uint8:
        return colour_last
    # napari takes uint8, or floats from 0 to 1; 16-bit photographs and odd floats are shown scaled
    highest = np.iinfo(data.dtype).max if np.issubdtype(data.dtype, np.integer) else max(float(data.max()), 1.0)
    return (colour_last / highest).astype(np.float32)
