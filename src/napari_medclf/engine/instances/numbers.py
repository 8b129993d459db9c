"""Object numbers from 1 without gaps."""

from __future__ import annotations

import numpy as np

from napari_medclf.domain.arrays import LabelArray


def number_without_gaps(objects: LabelArray, min_object_vox: float = 0) -> LabelArray:
    """Drop objects of fewer voxels, and number the others from 1 in their order; int32."""
    sizes = np.bincount(objects.ravel())
    is_kept = sizes >= max(min_object_vox, 1)
    is_kept[0] = False
    numbers = np.where(is_kept, np.cumsum(is_kept), 0).astype(np.int32)
    return np.asarray(numbers[objects])
