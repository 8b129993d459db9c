"""What other files say about images, as layers, lines of text and rows of a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from napari_medclf.bridge.layer_info import METADATA_KEY, LayerInfo, without_samples
from napari_medclf.bridge.layers import LayerTuple, labels_layer
from napari_medclf.domain.derived import LabelSet, Measurement, MeasurementReport, Reference
from napari_medclf.domain.image import MedImage
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.results import Segmentation

REPORT_KEY = "medclf_report"
"""Under this name the metadata of an empty points layer hold a report whose image is not there."""
_MOST_LINES = 3
_MOST_CLASSES = 2
_LONGEST_LINE = 44
_UNITS = {"1": "", "[hnsf'U]": "HU", "mm2": "mm²", "mm3": "mm³"}
"""UCUM codes (DICOM PS3.16 CID 82) as people write them; others stay as they are."""


def label_set_layers(label_set: LabelSet, images: Sequence[MedImage] = ()) -> list[LayerTuple]:
    """Describe labels of a file as labels layers: one for segments that do not overlap, more where they do.

    Parameters
    ----------
    images : sequence of MedImage
        Among which the one is looked for that the labels were made for.
    """
    found = image_of_reference(label_set.reference, images)
    layers = [_labels(one, label_set, found) for one in label_set.segmentations]
    is_named = len({keywords["name"] for _, keywords, _ in layers}) == len(layers)
    for position, (_, keywords, _) in enumerate(layers):
        if not is_named:
            keywords["name"] = f"{keywords['name']} ({position + 1} of {len(layers)})"
        keywords["name"] = _told_name(keywords["name"], label_set.segmentations[position].schema)
    return layers


def with_source_image(described: LayerTuple, image: MedImage) -> LayerTuple:
    """Add the image that labels lie on, where it was not known before and its grid is theirs."""
    data, keywords, kind = described
    info = keywords["metadata"][METADATA_KEY]
    if info.source_image is not None or not info.geometry.same_grid(image.geometry):
        return described
    known = replace(info, source_image=without_samples(image))
    return data, keywords | {"metadata": {**keywords["metadata"], METADATA_KEY: known}}, kind


def fullest_plane(layers: Sequence[LayerTuple]) -> tuple[int, float] | None:
    """Find the acquired plane with most labels: its axis of the volume, and its place on it in napari's world."""
    data, keywords, _ = layers[0] if layers else (np.zeros(()), {}, "")
    if data.ndim != 3 or not data.any():
        return None
    axis: int = keywords["metadata"][METADATA_KEY].frame.slice_axis
    counts = np.count_nonzero(data, axis=tuple(other for other in range(3) if other != axis))
    return axis, float(keywords["translate"][axis] + keywords["scale"][axis] * int(np.argmax(counts)))


def image_of_reference(reference: Reference, images: Sequence[MedImage]) -> MedImage | None:
    """Find the image that something was made for, by its instances, then by its series."""
    named = set(reference.sop_instance_uids)
    for image in images:
        if named and not named.isdisjoint(image.source.sop_instance_uids):
            return image
    uid = reference.series_uid
    return next((image for image in images if uid and image.source.series_uid == uid), None)


def report_layer(report: MeasurementReport) -> LayerTuple:
    """Describe a report without an image as an empty points layer, so that it can be opened and looked at."""
    return np.zeros((0, 2)), {"name": report.name, "metadata": {REPORT_KEY: report}}, "points"


def with_reports(described: LayerTuple, image: MedImage, reports: Sequence[MeasurementReport]) -> LayerTuple:
    """Put the reports about an image into its layer."""
    about = tuple(one for one in reports if image_of_reference(one.reference, [image]) is image)
    if not about:
        return described
    data, keywords, kind = described
    info: LayerInfo = keywords["metadata"][METADATA_KEY]
    known = replace(info, reports=about)
    return data, keywords | {"metadata": {**keywords["metadata"], METADATA_KEY: known}}, kind


def report_rows(report: MeasurementReport) -> list[dict[str, str]]:
    """List a report for a table: a row a measurement and a row a statement."""
    rows: list[dict[str, str]] = []
    for group in report.groups:
        about = group.tracking_id or (group.finding.meaning if group.finding else str(group.scope))
        if group.segment_number is not None:
            about = f"{about} (segment {group.segment_number})"
        rows += [{"what": said.meaning, "value": value.meaning, "about": about} for said, value in group.statements]
        rows += [{"what": one.name.meaning, "value": _value_text(one), "about": about} for one in group.measurements]
    return rows


def report_text(report: MeasurementReport) -> str:
    """Write a report as lines for the canvas; a long one is cut, and says so."""
    rows = report_rows(report)
    lines = [_short(f"{row['what']}  {row['value']}") for row in rows[:_MOST_LINES]]
    if len(rows) > _MOST_LINES:
        lines.append(f"   and {len(rows) - _MOST_LINES} more in the Data tab")
    return "\n".join([report.title or report.name, *lines])


def _labels(segmentation: Segmentation, label_set: LabelSet, image: MedImage | None) -> LayerTuple:
    on_grid = image is not None and segmentation.geometry.same_grid(image.geometry)
    data, keywords, kind = labels_layer(segmentation, image=image if on_grid else None)
    info = replace(keywords["metadata"][METADATA_KEY], origin=str(label_set.origin))
    return data, keywords | {"metadata": {METADATA_KEY: info}}, kind


def _told_name(name: str, schema: LabelSchema) -> str:
    """Add what is labelled to the name of a file, which often is a number such as IM000012."""
    names = [one.name for one in schema.foreground]
    if not names or names == [name]:
        return name
    more = f" +{len(names) - _MOST_CLASSES}" if len(names) > _MOST_CLASSES else ""
    return f"{name} · {_short(', '.join(names[:_MOST_CLASSES]))}{more}"


def _value_text(one: Measurement) -> str:
    number = f"{one.value:.4g}" if abs(one.value) < 10_000 else f"{one.value:,.0f}"
    return f"{number} {_UNITS.get(one.unit, one.unit)}".rstrip()


def _short(line: str) -> str:
    return line if len(line) <= _LONGEST_LINE else f"{line[: _LONGEST_LINE - 1]}…"
