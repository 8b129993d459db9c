"""Objects of a network that only tells them from background: where they bulge, they are told apart."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from napari_medclf.domain.arrays import BoolArray, FloatArray, LabelArray

# A neck counts where it is narrower than the bulges beside it by this part of them, and by a voxel at least: so
# that the steps of a digital outline make no objects.
_NECK = 0.1
_LEAST_VOX = 1.0
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
    from skimage.segmentation import watershed

    steps = np.ones(is_object.ndim) if spacing is None else np.asarray(spacing, dtype=np.float64)
    distance = _distance(is_object, steps)
    return watershed(-distance, _find_bulges(distance, _LEAST_VOX * float(steps.min())), mask=is_object)


def find_bulges(mask: BoolArray, least_vox: float, spacing: Sequence[float] | None = None) -> LabelArray:
    """Number the middles of the parts of a mask (*spatial) that necks hold together; 0 elsewhere.

    Parameters
    ----------
    least_vox : float
        A neck counts where it is narrower by so much than the bulges beside it, in the smallest step of an axis.
    spacing : sequence of float or None
        As of `split_at_necks`.
    """
    steps = np.ones(mask.ndim) if spacing is None else np.asarray(spacing, dtype=np.float64)
    return _find_bulges(_distance(mask, steps), least_vox * float(steps.min()))


def _distance(mask: BoolArray, steps: FloatArray) -> FloatArray:
    from scipy import ndimage

    distance = ndimage.distance_transform_edt(np.pad(mask, 1), sampling=steps)
    distance = distance[tuple(slice(1, -1) for _ in steps)].astype(np.float32)
    # Smooths the steps of a digital outline away: AP50 of 60 fields of nuclei was 0.63 without and 0.73 with it. It was
    # chosen on these same fields, 45 of which trained or validated the model that was asked, so 0.73 is optimistic.
    return np.asarray(ndimage.gaussian_filter(distance, steps.min() / steps) * mask)


def _find_bulges(distance: FloatArray, least: float) -> LabelArray:
    """Number the maxima of the distance that rise above every neck to a higher one."""
    from scipy import ndimage
    from skimage.morphology import reconstruction

    lowered = np.maximum(np.minimum(distance * (1 - _NECK), distance - least), 0)
    flooded = reconstruction(lowered, distance)
    is_top = (flooded <= lowered + _ROUNDING * least) & (distance > 0)
    numbers, _ = ndimage.label(is_top, structure=np.ones((3,) * distance.ndim))
    return np.asarray(numbers)
