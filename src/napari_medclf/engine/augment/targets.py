"""Objects as something a network can learn: background, interior and border."""

from __future__ import annotations

import numpy as np

from napari_medclf.domain.arrays import LabelArray

BACKGROUND, INTERIOR, BORDER = 0, 1, 2
N_INSTANCE_CHANNELS = 3


def interior_and_border(instances: LabelArray) -> LabelArray:
    """Mark the rim of every object as a class of its own, so that touching objects come apart.

    Parameters
    ----------
    instances : (*spatial) integer
        0 is background, every object has its own number.

    Returns
    -------
    (*spatial) uint8
        0 background, 1 interior, 2 border: object voxels with a voxel of another object, or of the
        background, among their face and edge neighbours (Caicedo 2019).
    """
    from skimage.segmentation import find_boundaries

    is_border = find_boundaries(instances, connectivity=2 if instances.ndim > 1 else 1, mode="inner")
    return np.where(instances == 0, BACKGROUND, np.where(is_border, BORDER, INTERIOR)).astype(np.uint8)
