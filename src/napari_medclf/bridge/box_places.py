"""Where boxes lie on the screen: positions of the source grid in display order, and rectangles through slices."""

from __future__ import annotations

import math

import numpy as np

from napari_medclf.bridge.orientation import DisplayFrame
from napari_medclf.domain.arrays import FloatArray
from napari_medclf.domain.geometry import Shape3


def boxes_to_display(boxes: FloatArray, frame: DisplayFrame, shape: Shape3) -> FloatArray:
    """Turn boxes (n, 2, 3) of a grid of `shape` to display order; lowest corner first again."""
    turned = boxes[:, :, list(frame.order)]
    for axis, is_flipped in enumerate(frame.flips):
        if is_flipped:
            turned[:, :, axis] = shape[frame.order[axis]] - 1 - turned[:, ::-1, axis]
    return turned


def boxes_from_display(boxes: FloatArray, frame: DisplayFrame, shape: Shape3) -> FloatArray:
    """Turn boxes in display order back to the order of the grid; the inverse of `boxes_to_display`."""
    source = np.empty_like(boxes)
    for axis, is_flipped in enumerate(frame.flips):
        origin = frame.order[axis]
        along = boxes[:, :, axis]
        source[:, :, origin] = shape[origin] - 1 - along[:, ::-1] if is_flipped else along
    return source


def slices_of(low: float, high: float) -> range:
    """Slices whose middle a box holds along the slice axis; the nearest one of a box between two."""
    first, last = math.ceil(low), math.floor(high)
    if last < first:
        first = last = round((low + high) / 2)
    return range(first, last + 1)


def rectangle(box: FloatArray, axis: int, slice_: int) -> FloatArray:
    """Corners (4, 3) of a box (2, 3) in one slice of an axis, in the order in which napari draws them."""
    across = [other for other in range(3) if other != axis]
    corners = np.full((4, 3), float(slice_))
    for row, (down, right) in enumerate(((0, 0), (0, 1), (1, 1), (1, 0))):
        corners[row, across] = box[down, across[0]], box[right, across[1]]
    return corners


def bounds(corners: FloatArray) -> FloatArray:
    """Lowest and highest corner (2, D) of drawn corners (n, D)."""
    return np.stack([corners.min(axis=0), corners.max(axis=0)])


def join_through_slices(boxes: list[FloatArray], axis: int) -> list[FloatArray]:
    """Join flat boxes that lie over each other in neighbouring slices of an axis, as a person draws them."""
    joined: list[FloatArray] = []
    for box in sorted(boxes, key=lambda one: float(one[0, axis])):
        before = next((one for one in joined if _continues(one, box, axis)), None)
        if before is None:
            joined.append(box.copy())
            continue
        before[0] = np.minimum(before[0], box[0])
        before[1] = np.maximum(before[1], box[1])
    return joined


def _continues(before: FloatArray, box: FloatArray, axis: int) -> bool:
    across = [other for other in range(3) if other != axis]
    is_next = abs(box[0, axis] - before[1, axis]) < 1e-6
    return is_next and all(before[0, other] < box[1, other] and box[0, other] < before[1, other] for other in across)
