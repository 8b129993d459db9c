"""Objects of a network that tells how far a pixel lies from its nucleus' middle (HoVerNet, Graham 2019)."""

from __future__ import annotations

import numpy as np

from napari_medclf.domain.arrays import BoolArray, FloatArray, LabelArray

# Of the reference implementation: the gradient's reach in pixels, where an edge is sure, and the smallest seed.
_REACH = 21
_EDGE = 0.4
_SMALLEST_SEED_VOX = 10


def split_at_gradients(is_object: BoolArray, horizontal: FloatArray, vertical: FloatArray) -> LabelArray:
    """Number the nuclei of a mask (J, I).

    Parameters
    ----------
    horizontal, vertical : (J, I) float
        From -1 at a nucleus' left (upper) side to 1 at its right (lower) one; where two nuclei touch they fall steeply.

    Notes
    -----
    Edges are where one of the maps falls; seeds are the rest of the mask, a watershed from them fills it.
    """
    from scipy import ndimage
    from skimage.morphology import disk
    from skimage.segmentation import watershed

    if not is_object.any():
        return np.zeros(is_object.shape, dtype=np.int32)
    falls = np.maximum(_fall(horizontal, axis=1), _fall(vertical, axis=0)) - ~is_object
    edge = np.maximum(falls, 0)
    inside = ndimage.gaussian_filter((1 - edge) * is_object, 0.8)
    is_seed = ndimage.binary_fill_holes(is_object & (edge < _EDGE))
    seeds, _ = ndimage.label(ndimage.binary_opening(is_seed, disk(2)))
    sizes = np.bincount(seeds.ravel())
    seeds[sizes[seeds] < _SMALLEST_SEED_VOX] = 0
    return watershed(-inside, seeds, mask=is_object)


def _fall(map_: FloatArray, axis: int) -> FloatArray:
    """How steeply a map falls along an axis, 0 (rises most) to 1 (falls most); a wide Sobel filter."""
    from scipy import ndimage

    smooth = _binomial(_REACH)
    slope = np.convolve(_binomial(_REACH - 2), [1.0, 0.0, -1.0])
    unit = _to_unit(map_)
    rises = ndimage.convolve1d(ndimage.convolve1d(unit, slope, axis=axis), smooth, axis=1 - axis)
    return 1 - _to_unit(rises)


def _binomial(size: int) -> FloatArray:
    kernel = np.ones(1)
    for _ in range(size - 1):
        kernel = np.convolve(kernel, [0.5, 0.5])
    return kernel


def _to_unit(values: FloatArray) -> FloatArray:
    low, high = float(values.min()), float(values.max())
    return np.asarray((values - low) / max(high - low, 1e-12), dtype=np.float64)
