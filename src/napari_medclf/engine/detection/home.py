"""Bring boxes from the model grid to the image's own."""

from __future__ import annotations

import itertools

import numpy as np

from napari_medclf.domain.arrays import FloatArray
from napari_medclf.engine.grid.grid_map import GridMap

_CORNERS = np.array(list(itertools.product((0, 1), repeat=3)))


def restore_boxes(boxes: FloatArray, grid: GridMap) -> FloatArray:
    """Place boxes (n, 2, 3) of the model grid on the source grid, through the patient.

    Turned and flipped axes keep a box exactly. Where the image was sheared (a tilted gantry), a box becomes the
    smallest one around it. What reaches out of the image is cut off at the outer edges of its voxels.
    """
    if not len(boxes):
        return np.zeros((0, 2, 3))
    corners = boxes[:, _CORNERS, np.arange(3)]  # (n, 8, 3)
    home = grid.source.to_index(grid.model.to_world(corners))
    placed = np.stack([home.min(axis=1), home.max(axis=1)], axis=1)
    return clip_boxes(placed, grid.source.shape)


def clip_boxes(boxes: FloatArray, shape: tuple[int, ...]) -> FloatArray:
    """Cut boxes off at the outer edges of a grid's voxels."""
    return np.asarray(np.clip(boxes, -0.5, np.asarray(shape, dtype=np.float64) - 0.5))
