"""Boxes that a model found as a napari shapes layer, and back after a person's edits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_medclf.bridge.box_places import (
    bounds,
    boxes_from_display,
    boxes_to_display,
    join_through_slices,
    rectangle,
    slices_of,
)
from napari_medclf.bridge.layer_info import METADATA_KEY, LayerInfo, layer_info, without_samples
from napari_medclf.bridge.layers import LayerTuple
from napari_medclf.bridge.orientation import DisplayFrame, display_frame, placement
from napari_medclf.domain.arrays import FloatArray
from napari_medclf.domain.detection import Detection
from napari_medclf.domain.errors import GridError
from napari_medclf.domain.image import MedImage
from napari_medclf.domain.results import Prediction

DRAWN_BY_HAND = 0
"""Value of the feature ``box`` of rectangles that no model drew; those of a model are numbered from 1."""
_TEXT_COLOUR = "#ffe14d"
"""Readable on soft tissue, on bone and on air."""
# Corners that moved by less were not moved by a person.
_SAME_VOX = 1e-3


def boxes_layers(
    detection: Detection, *, prediction: Prediction | None = None, image: MedImage | None = None
) -> tuple[LayerTuple, ...]:
    """Describe boxes as one layer of rectangles with class and score beside them, that may be edited.

    In a volume a box is drawn as a rectangle in each acquired slice that it holds.

    Parameters
    ----------
    prediction : Prediction or None
        What the boxes came from, kept with the layer for provenance.
    image : MedImage or None
        The image that was searched; all but its samples is kept.
    """
    frame = display_frame(detection.geometry)
    drawn = [(number, corners) for number, rows in _rectangles(detection, frame) for corners in rows]
    numbers = [number for number, _ in drawn]
    info = LayerInfo(
        detection.geometry,
        frame,
        detection=detection,
        prediction=prediction,
        source_image=None if image is None else without_samples(image),
    )
    place = placement(detection.geometry, frame)
    keywords: dict[str, Any] = {
        "name": detection.name,
        "metadata": {METADATA_KEY: info},
        "ndim": len(place.scale),
        "shape_type": "rectangle",
        "features": _features(detection, numbers),
        "feature_defaults": {"box": DRAWN_BY_HAND, "class": detection.schema.names[0], "score": 1.0},
        "edge_color": [_colour(detection, number) for number in numbers] or detection.schema.classes[0].colour,
        "face_color": "transparent",
        "edge_width": 1,
        "text": {"string": "{class} {score:.2f}", "size": 10, "color": _TEXT_COLOUR, "anchor": "upper_left"},
        "opacity": 0.9,
        "scale": place.scale,
        "translate": place.translate,
        "units": place.units,
        "axis_labels": place.axis_labels,
    }
    return (([corners for _, corners in drawn], keywords, "shapes"),)


def detection_from_layer(
    data: Sequence[FloatArray], metadata: Mapping[str, Any], features: Mapping[str, Any]
) -> Detection:
    """Read a layer of boxes back, in source order on the source grid.

    Parameters
    ----------
    data : sequence of (n, D) array
        ``layer.data`` of a layer that `boxes_layers` described.
    metadata, features : mapping
        ``layer.metadata`` and ``layer.features``.

    Returns
    -------
    Detection
        The very one that was shown where nobody touched it. A box whose rectangle was moved or resized in one slice is
        that in all of its slices; it begins and ends with the slices that have one. Rectangles drawn by hand are boxes
        of their own, those over each other in neighbouring slices one.

    Raises
    ------
    GridError
        If the layer is not one of ours.
    SchemaError
        If a class was typed that the model does not know.
    """
    info = layer_info(metadata)
    if info is None or info.detection is None:
        raise GridError("This layer of shapes was not made by MedCLF, so its grid and classes are not known.")
    shown, frame = info.detection, info.frame
    rows = _read_rows(data, features, frame)
    as_shown = boxes_to_display(shown.boxes.astype(np.float64), frame, shown.geometry.shape)
    before = dict(_rectangles(shown, frame))
    kept: list[_Box] = []
    for number in sorted({row.number for row in rows} & set(before)):
        mine = [row for row in rows if row.number == number]
        edited = _edited(as_shown[number - 1], before[number], mine, _axis(frame))
        source = shown.boxes[number - 1] if edited is None else _to_source(edited, shown, frame)
        kept.append(_Box(source, mine[0].name, mine[0].score))
    kept += _drawn([row for row in rows if row.number not in before], shown, frame)
    return _as_detection(kept, shown)


@dataclass(frozen=True, eq=False)
class _Row:
    """One rectangle of the layer: its corners (n, 3) in display order, and its features."""

    corners: FloatArray
    number: int
    name: str
    score: float


@dataclass(frozen=True, eq=False)
class _Box:
    """One box (2, 3) in source order."""

    corners: FloatArray
    name: str
    score: float


def _axis(frame: DisplayFrame) -> int:
    return 0 if frame.is_flat else frame.slice_axis


def _rectangles(detection: Detection, frame: DisplayFrame) -> list[tuple[int, list[FloatArray]]]:
    """Corners of every box's rectangles, with the box's number from 1."""
    axis = _axis(frame)
    shown = boxes_to_display(detection.boxes.astype(np.float64), frame, detection.geometry.shape)
    found: list[tuple[int, list[FloatArray]]] = []
    for number, box in enumerate(shown, start=1):
        slices = range(1) if frame.is_flat else slices_of(box[0, axis], box[1, axis])
        corners = [rectangle(box, axis, one) for one in slices]
        found.append((number, [one[:, 1:] for one in corners] if frame.is_flat else corners))
    return found


def _features(detection: Detection, numbers: Sequence[int]) -> dict[str, NDArray[Any]]:
    # Typed, as napari 0.9 takes an empty list for numbers and then refuses a text as default.
    return {
        "box": np.array(numbers, dtype=np.int64),
        "class": np.array([detection.names[number - 1] for number in numbers], dtype=object),
        "score": np.array([float(detection.scores[number - 1]) for number in numbers], dtype=np.float64),
    }


def _colour(detection: Detection, number: int) -> str:
    return detection.schema.named(detection.names[number - 1]).colour


def _read_rows(data: Sequence[FloatArray], features: Mapping[str, Any], frame: DisplayFrame) -> list[_Row]:
    rows = []
    for position, drawn in enumerate(data):
        corners = np.asarray(drawn, dtype=np.float64)
        if frame.is_flat:
            corners = np.column_stack([np.zeros(len(corners)), corners])
        number, name, score = (list(features[key])[position] for key in ("box", "class", "score"))
        rows.append(_Row(corners, int(number), str(name), float(score)))
    return rows


def _edited(box: FloatArray, before: list[FloatArray], rows: list[_Row], axis: int) -> FloatArray | None:
    """Bring a person's changes of some rectangles into the box; None where there are none."""
    shown = np.stack([bounds(row.corners) for row in rows])
    across = [other for other in range(3) if other != axis]
    is_moved = (np.abs(shown[:, :, across] - box[:, across]) > _SAME_VOX).any(axis=(1, 2))
    slices = sorted(round(float(one[0, axis])) for one in shown)
    are_slices_same = before[0].shape[1] == 2 or slices == [round(float(one[0, axis])) for one in before]
    if are_slices_same and not is_moved.any():
        return None
    edited = box.copy()
    if is_moved.any():
        edited[0, across] = shown[is_moved, 0][:, across].min(axis=0)
        edited[1, across] = shown[is_moved, 1][:, across].max(axis=0)
    if not are_slices_same:
        edited[:, axis] = slices[0] - 0.5, slices[-1] + 0.5
    return edited


def _drawn(rows: list[_Row], shown: Detection, frame: DisplayFrame) -> list[_Box]:
    axis = _axis(frame)
    found: list[_Box] = []
    for name in dict.fromkeys(row.name for row in rows):
        flat = [_one_thick(bounds(row.corners)) for row in rows if row.name == name]
        score = max(row.score for row in rows if row.name == name)
        found += [_Box(_to_source(box, shown, frame), name, score) for box in join_through_slices(flat, axis)]
    return found


def _one_thick(box: FloatArray) -> FloatArray:
    """Give a rectangle the thickness of the slice that it was drawn in, whichever plane that was."""
    for axis in np.flatnonzero(box[1] - box[0] < _SAME_VOX):
        middle = round(float(box[0, axis]))
        box[:, axis] = middle - 0.5, middle + 0.5
    return box


def _to_source(box: FloatArray, shown: Detection, frame: DisplayFrame) -> FloatArray:
    return np.asarray(boxes_from_display(box[np.newaxis], frame, shown.geometry.shape)[0])


def _as_detection(kept: list[_Box], shown: Detection) -> Detection:
    ranked = sorted(kept, key=lambda one: -one.score)
    boxes = np.reshape([one.corners for one in ranked], (len(ranked), 2, 3)).astype(np.float64)
    scores = np.array([one.score for one in ranked], dtype=np.float64)
    names = tuple(shown.schema.named(one.name).name for one in ranked)
    if names == shown.names and np.array_equal(boxes, shown.boxes) and np.array_equal(scores, shown.scores):
        return shown
    return replace(shown, boxes=boxes, scores=scores, names=names, is_edited=True)
