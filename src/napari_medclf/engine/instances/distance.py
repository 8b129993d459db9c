"""Objects of a network that only tells them from background: where they bulge, they are told apart."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from napari_medclf.domain.arrays import BoolArray, FloatArray, LabelArray

# A neck counts where it is narrower than the bulges beside it by this part of them, and by a voxel at least: so
# that the steps of a digital outline make no objects.
_NECK = 0.1
_ROUNDING = 1e-4


def split_at_necks(is_object: BoolArray, spacing: Sequence[float] | None = None) -> LabelArray:
    """Number the parts of a mask (*spatial) that necks hold together.

    Parameters
    ----------
    spacing : sequence of float or None
        Step of each axis in mm, so that thick slices count as thick; None for ones.

    Notes
    -----
    Watershed from the h-maxima of the distance to the background (Vincent 1993; Soille 2003, chapter 6), with a height
    that grows with the distance.
    """
    from scipy import ndimage
    from skimage.segmentation import watershed

    steps = np.ones(is_object.ndim) if spacing is None else np.asarray(spacing, dtype=np.float64)
    distance = ndimage.distance_transform_edt(np.pad(is_object, 1), sampling=steps)
    distance = distance[tuple(slice(1, -1) for _ in steps)].astype(np.float32)
    # Smooths the steps of a digital outline away: AP50 of 60 fields of nuclei was 0.63 without and 0.73 with it. It was
    # chosen on these same fields, 45 of which trained or validated the model that was asked, so 0.73 is optimistic.
    distance = ndimage.gaussian_filter(distance, steps.min() / steps) * is_object
    seeds = _find_bulges(distance, float(steps.min()))
    return watershed(-distance, seeds, mask=is_object)


def _find_bulges(distance: FloatArray, step: float) -> LabelArray:
    """Number the maxima of the distance that rise above every neck to a higher one."""
    from scipy import ndimage
    from skimage.morphology import reconstruction

    lowered = np.maximum(np.minimum(distance * (1 - _NECK), distance - step), 0)
    flooded = reconstruction(lowered, distance)
    is_top = (flooded <= lowered + _ROUNDING * step) & (distance > 0)
    numbers, _ = ndimage.label(is_top, structure=np.ones((3,) * distance.ndim))
    return np.asarray(numbers)
