"""Keep the best of boxes that overlap."""

from __future__ import annotations

import numpy as np

from napari_medclf.domain.arrays import BoolArray, FloatArray
from napari_medclf.engine.detection.found import Found

_WORTH_OF_CUT = 0.5
_MOSTLY = 0.5


def volumes(boxes: FloatArray) -> FloatArray:
    """Volume (n,) of boxes (n, 2, 3), in cubed units of the corners."""
    return np.asarray(np.prod(boxes[:, 1] - boxes[:, 0], axis=1))


def iou(one: FloatArray, others: FloatArray) -> FloatArray:
    """Intersection over union (n,) of a box (2, 3) with others (n, 2, 3), 0 where neither has a volume.

    Notes
    -----
    The edges lie along the axes of the grid, so both volumes grow alike with its spacing: the ratio in voxels is the
    ratio in cubic millimetres, also where slices are thick.
    """
    both = _common(one, others)
    either = volumes(one[np.newaxis])[0] + volumes(others) - both
    return np.asarray(np.divide(both, either, out=np.zeros_like(both), where=either > 0))


def _common(one: FloatArray, others: FloatArray) -> FloatArray:
    sides = np.minimum(one[1], others[:, 1]) - np.maximum(one[0], others[:, 0])
    return np.asarray(np.prod(np.maximum(sides, 0.0), axis=1))


def suppress(found: Found, largest_iou: float, most: int = 300) -> Found:
    """Drop every box that overlaps a better one of its class by more than `largest_iou`; best first.

    Parameters
    ----------
    most : int
        Boxes to keep at most, over all classes.

    Notes
    -----
    A box that a window cut through ranks by half of its score, and goes where half of it lies in a better box: a window
    that saw the object whole knows better. Without such boxes this is plain suppression.
    """
    rank = found.scores * np.where(found.is_cut, _WORTH_OF_CUT, 1.0)
    ranked = found.take(np.argsort(-rank, kind="stable"))
    is_open = np.ones(len(ranked), dtype=bool)
    kept: list[int] = []
    for position in range(len(ranked)):
        if not is_open[position]:
            continue
        kept.append(position)
        if len(kept) == most:
            break
        is_open[position] = False
        rivals = np.flatnonzero(is_open & (ranked.classes == ranked.classes[position]))
        is_open[rivals[_is_same(ranked.boxes[position], ranked.take(rivals), largest_iou)]] = False
    return ranked.take(np.array(kept, dtype=np.int64)).best_first()


def _is_same(box: FloatArray, rivals: Found, largest_iou: float) -> BoolArray:
    is_inside = rivals.is_cut & (_common(box, rivals.boxes) > _MOSTLY * volumes(rivals.boxes))
    return np.asarray((iou(box, rivals.boxes) > largest_iou) | is_inside)
