"""Who each voxel's label comes from, seen over a whole image."""

from __future__ import annotations

import numpy as np

from napari_medclf.domain.arrays import LabelArray
from napari_medclf.domain.origin_rule import origins_after
from napari_medclf.domain.stroke import Stroke
from napari_medclf.domain.voxel_origin import OriginMap


def origin_after(origin: OriginMap, stroke: Stroke, model_labels: LabelArray | None) -> OriginMap:
    """Return the origin map as it is after one stroke, by `domain.origin_rule`.

    Parameters
    ----------
    origin : (K, J, I) uint8
        Not changed.
    model_labels : (K, J, I) integer or None
        What the model says; None where no model has spoken, and everything is the person's.
    """
    changed = np.array(origin, order="C")
    flat = changed.reshape(-1)
    said = None if model_labels is None else model_labels[np.unravel_index(stroke.voxels, model_labels.shape)]
    flat[stroke.voxels] = origins_after(stroke, flat[stroke.voxels], said)
    return changed
