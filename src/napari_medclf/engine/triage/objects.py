"""What the objects of an instance segmentation are like together."""

from __future__ import annotations

import numpy as np

from napari_medclf.domain.arrays import LabelArray
from napari_medclf.domain.results import Segmentation

_MOST_LOOKED_AT = 4_000_000


def object_traits(said: Segmentation) -> dict[str, float]:
    """Describe the sizes and outlines of all objects.

    Returns
    -------
    dict
        ``size:object`` (logarithm of the median, in voxels of the image), ``size:covered`` (part of the image that is
        in objects), ``shape:object_spread`` (logarithm of the 90th over the 10th percentile of sizes) and
        ``shape:object_sides`` (median of the longest over the shortest side of their boxes, logarithm). Of very large
        images the middle part is looked at.
    """
    from scipy.ndimage import find_objects

    labels = _middle(said.labels)
    sizes = np.bincount(labels.ravel())[1:]
    present = np.flatnonzero(sizes)
    if not len(present):
        return {}
    ten, half, ninety = np.percentile(sizes[present], (10, 50, 90))
    boxes = (box for box in find_objects(labels) if box is not None)
    ratios = [_longest_to_shortest([one.stop - one.start for one in box]) for box in boxes]
    return {
        "size:object": float(np.log(half)),
        "size:covered": float(sizes.sum() / labels.size),
        "shape:object_spread": float(np.log(ninety / ten)),
        "shape:object_sides": float(np.log(np.median(ratios))),
    }


def _longest_to_shortest(sides: list[int]) -> float:
    """Of a box; the one slice of a picture is no side."""
    longer = sorted(sides)[1:] if min(sides) == 1 else sorted(sides)
    return longer[-1] / longer[0]


def _middle(labels: LabelArray) -> LabelArray:
    """Cut slices from both ends until few enough voxels are left; of one slice, rows."""
    while labels.size > _MOST_LOOKED_AT:
        axis = int(np.argmax(labels.shape))
        quarter = max(labels.shape[axis] // 4, 1)
        picked = [slice(None)] * labels.ndim
        picked[axis] = slice(quarter, labels.shape[axis] - quarter)
        labels = labels[tuple(picked)]
    return labels
