"""How a stroke changes who a voxel's label comes from."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_medclf.domain.arrays import LabelArray
from napari_medclf.domain.stroke import Stroke, StrokeKind
from napari_medclf.domain.voxel_origin import VoxelOrigin


def origins_after(stroke: Stroke, before: NDArray[np.uint8], model_values: LabelArray | None) -> NDArray[np.uint8]:
    """Say the origins of a stroke's voxels once it is made.

    Parameters
    ----------
    stroke : Stroke
        Over N voxels.
    before : (N,) uint8
        Values of `VoxelOrigin` that its voxels had.
    model_values : (N,) integer or None
        What the newest model says at its voxels; None where no model has spoken.

    Returns
    -------
    (N,) uint8
        A person's stroke gives BOTH where it agrees with the model, else PERSON. UNLOCK gives MODEL; MODEL changes
        nothing, since a model changes free voxels only. An undo that takes a known stroke back brings back the origins
        of that time instead: this rule cannot know them and treats it as a stroke of the person.

    >>> stroke = Stroke(StrokeKind.PAINT, np.array([4, 5]), np.array([0, 0]), np.array([2, 2]))
    >>> origins_after(stroke, np.zeros(2, np.uint8), np.array([2, 1])).tolist()
    [2, 1]
    """
    if stroke.kind is StrokeKind.UNLOCK:
        return np.zeros(len(stroke), dtype=np.uint8)
    if stroke.kind is StrokeKind.MODEL:
        return before.copy()
    if model_values is None:
        return np.full(len(stroke), VoxelOrigin.PERSON, dtype=np.uint8)
    agrees = np.asarray(stroke.after) == model_values
    return np.where(agrees, VoxelOrigin.BOTH, VoxelOrigin.PERSON).astype(np.uint8)
