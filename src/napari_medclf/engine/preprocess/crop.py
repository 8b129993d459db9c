"""Find the box that holds what an image is about."""

from __future__ import annotations

import numpy as np

from napari_medclf.domain.arrays import BoolArray
from napari_medclf.domain.errors import CardError
from napari_medclf.domain.preprocess_step import PreprocessStep
from napari_medclf.engine.grid.crop import Box
from napari_medclf.engine.preprocess.voxels import Voxels

_SPECK = 0.01
"""Parts smaller than this part of all that is bright are specks: letters on a film, noise."""
_NEAR_AIR_HU = -500.0


def body_box(voxels: Voxels, step: PreprocessStep) -> Box | None:
    """Find the largest connected part of a CT above air; None where that is the whole image, or nothing is.

    Raises
    ------
    CardError
        If the samples are no Hounsfield units: the file does not say so, and none is as low as air.
    """
    if not voxels.is_hu and voxels.data.min() > _NEAR_AIR_HU:
        raise CardError("crop-body needs a CT in Hounsfield units; crop-foreground takes any image.")
    sizes, parts = _parts(voxels.data[0] > step.number("threshold_hu"))
    if not sizes.any():
        return None
    return _box(parts == sizes.argmax(), int(step.number("margin_vox")))


def foreground_box(voxels: Voxels, step: PreprocessStep) -> Box | None:
    """Find what is brighter than Otsu's threshold; None where that is the whole image, or it is all alike."""
    from skimage.filters import threshold_otsu

    gray = voxels.data.mean(axis=0)
    if gray.min() == gray.max():
        return None
    sizes, parts = _parts(gray > threshold_otsu(gray))
    return _box((sizes >= _SPECK * sizes.sum())[parts], int(step.number("margin_vox")))


def _parts(mask: BoolArray) -> tuple[np.ndarray, np.ndarray]:
    """Label the connected parts of a mask: the voxels of each (that of the background is 0), and their numbers."""
    from scipy.ndimage import label

    parts, n_parts = label(mask)
    sizes = np.bincount(parts.ravel(), minlength=n_parts + 1)
    sizes[0] = 0
    return sizes, parts


def _box(mask: BoolArray, margin_vox: int) -> Box | None:
    ends = []
    for axis, n in enumerate(mask.shape):
        is_there = np.flatnonzero(mask.any(axis=tuple(other for other in range(3) if other != axis)))
        if is_there.size == 0:
            return None
        ends.append((max(int(is_there[0]) - margin_vox, 0), min(int(is_there[-1]) + 1 + margin_vox, n)))
    box: Box = (ends[0], ends[1], ends[2])
    return None if all(end == (0, n) for end, n in zip(box, mask.shape, strict=True)) else box
