"""Bring boxes from the model grid to the image's own, and back."""

from __future__ import annotations

import itertools

import numpy as np

from napari_medclf.domain.arrays import FloatArray
from napari_medclf.domain.geometry import Geometry
from napari_medclf.engine.grid.grid_map import GridMap

_CORNERS = np.array(list(itertools.product((0, 1), repeat=3)))


def restore_boxes(boxes: FloatArray, grid: GridMap) -> FloatArray:
    """Place boxes (n, 2, 3) of the model grid on the source grid, through the patient.

    Turned and flipped axes keep a box exactly. Where the image was sheared (a tilted gantry), a box becomes the
    smallest one around it. What reaches out of the image is cut off at the outer edges of its voxels.
    """
    return _placed(boxes, grid.model, grid.source)


def forward_boxes(boxes: FloatArray, grid: GridMap) -> FloatArray:
    """Place boxes (n, 2, 3) of the source grid on the model grid, as `restore_boxes` does the other way.

    One that the model does not see at all has no volume then.
    """
    return _placed(boxes, grid.source, grid.model)


def _placed(boxes: FloatArray, there: Geometry, here: Geometry) -> FloatArray:
    if not len(boxes):
        return np.zeros((0, 2, 3))
    corners = boxes[:, _CORNERS, np.arange(3)]  # (n, 8, 3)
    moved = here.to_index(there.to_world(corners))
    return clip_boxes(np.stack([moved.min(axis=1), moved.max(axis=1)], axis=1), here.shape)


def clip_boxes(boxes: FloatArray, shape: tuple[int, ...]) -> FloatArray:
    """Cut boxes off at the outer edges of a grid's voxels."""
    return np.asarray(np.clip(boxes, -0.5, np.asarray(shape, dtype=np.float64) - 0.5))
