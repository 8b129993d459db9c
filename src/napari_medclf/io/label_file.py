"""Label images of ordinary formats that name their classes: 3D Slicer's .seg.nrrd, NIfTI with a label table."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from napari_medclf.domain.arrays import LabelArray
from napari_medclf.domain.derived import LabelOrigin, LabelSet
from napari_medclf.domain.errors import ReadError
from napari_medclf.domain.image import ChannelKind, MedImage
from napari_medclf.domain.labels import LabelClass, LabelSchema
from napari_medclf.domain.results import Segmentation
from napari_medclf.io.open_one import open_one
from napari_medclf.io.sniff import Kind
from napari_medclf.io.volume.nifti import read_label_table
from napari_medclf.io.volume.segments import SegmentLayer, read_segments
from napari_medclf.io.whole import whole_numbers
from napari_medclf.io.window import robust_window

_GRAY = "#808080"


def open_named(path: Path, kind: Kind) -> MedImage | LabelSet:
    """Open a file: labels where it names its classes, else the image that it is.

    Raises
    ------
    ReadError
        If it cannot be read, or names classes of samples that are no whole numbers.
    """
    layers = label_layers(path, kind)
    image = open_one(path, kind)
    n_layers = image.n_channels
    if not layers or image.channel_kind not in (ChannelKind.NONE, ChannelKind.CHANNEL):
        return image
    n_named = max(layer.number for layer in layers) + 1
    if n_named > n_layers:
        raise ReadError(path, f"names segments in {n_named} layers and has {n_layers}")
    segmentations = tuple(_segmentation(path, image, layer) for layer in layers)
    return LabelSet(segmentations, image.name, LabelOrigin.FILE, image.source, warnings=image.warnings)


def label_layers(path: Path, kind: Kind) -> tuple[SegmentLayer, ...]:
    """Read the class names of a file from its header; empty where it names none.

    Raises
    ------
    ReadError
        If the header is damaged.
    """
    if kind is Kind.NRRD:
        return read_segments(path)
    schema = read_label_table(path) if kind is Kind.NIFTI else None
    return () if schema is None else (SegmentLayer(0, schema),)


def as_image(labels: LabelSet) -> MedImage:
    """Take labels as the image they were stored as; overlapping layers become channels."""
    first = labels.segmentations[0]
    layers = [one.labels for one in labels.segmentations]
    data = layers[0] if len(layers) == 1 else np.stack(layers)
    return MedImage(
        data=data,
        geometry=first.geometry,
        name=labels.name,
        channel_kind=ChannelKind.NONE if len(layers) == 1 else ChannelKind.CHANNEL,
        window=robust_window(data),
        source=labels.source,
        warnings=labels.warnings,
    )


def _segmentation(path: Path, image: MedImage, layer: SegmentLayer) -> Segmentation:
    data = image.data if image.channel_kind is ChannelKind.NONE else image.data[layer.number]
    labels = whole_numbers(path, np.asarray(data))
    return Segmentation(labels, image.geometry, _completed(layer.schema, labels), name=image.name)


def _completed(schema: LabelSchema, labels: LabelArray) -> LabelSchema:
    """Add a class for each value that has no name."""
    strange = sorted(set(np.unique(labels).tolist()) - set(schema.values) - {0})
    added = tuple(LabelClass(value=value, name=f"label {value}", colour=_GRAY) for value in strange)
    return LabelSchema(classes=(*schema.classes, *added)) if added else schema
