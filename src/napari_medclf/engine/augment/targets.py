"""Objects as something a network can learn: background, interior and border."""

from __future__ import annotations

import numpy as np

from napari_medclf.domain.arrays import BoolArray, LabelArray

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


def is_between_objects(instances: LabelArray, reach_vox: int = 2) -> BoolArray:
    """Say where two objects are near each other: what they are told apart by.

    Parameters
    ----------
    instances : (*spatial) integer
        0 is background, every object has its own number.
    reach_vox : int
        A voxel counts that has two objects within so many voxels along every axis; it may be background.

    Returns
    -------
    (*spatial) bool
    """
    from scipy import ndimage

    numbers = instances.astype(np.int64)
    size = 2 * reach_vox + 1
    highest = ndimage.maximum_filter(numbers, size)
    beyond = int(numbers.max(initial=0)) + 1
    lowest = ndimage.minimum_filter(np.where(numbers == 0, beyond, numbers), size)
    return np.asarray(lowest < highest)
