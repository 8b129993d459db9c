"""Tell touching objects apart."""

from __future__ import annotations

import numpy as np

from napari_medclf.domain.arrays import FloatArray, LabelArray
from napari_medclf.domain.errors import CardError

BACKGROUND, INTERIOR, BORDER = range(3)
"""Channels of a network for instances (Caicedo 2019: interior and border as classes of their own)."""
# A seed is where the interior clearly wins; an object ends where the background does.
_SEED_PROBABILITY = 0.5


def find_instances(probabilities: FloatArray, *, min_object_vox: float = 0, is_3d: bool = False) -> LabelArray:
    """Number the objects that a network saw.

    Parameters
    ----------
    probabilities : (3, K, J, I)
        Of background, interior and border; they sum to 1.
    min_object_vox : float
        Smaller objects are dropped.
    is_3d : bool
        Whether objects reach over slices; else every slice has objects of its own.

    Returns
    -------
    (K, J, I) int32
        0 for background, objects from 1 without gaps.

    Raises
    ------
    CardError
        If there are not three channels.

    Notes
    -----
    Seeds are connected interiors; a watershed on the border probability lets them grow over all that
    is more object than background.
    """
    if len(probabilities) != 3:
        raise CardError(f"Instances need the channels background, interior and border, not {len(probabilities)}.")
    parts = [probabilities] if is_3d else [probabilities[:, [k]] for k in range(probabilities.shape[1])]
    numbered: list[LabelArray] = []
    n_before = 0
    for part in parts:
        objects = _split(part, min_object_vox)
        objects[objects > 0] += n_before
        n_before = max(n_before, int(objects.max(initial=0)))
        numbered.append(objects)
    return np.concatenate(numbered).astype(np.int32, copy=False)


def _split(probabilities: FloatArray, min_object_vox: float) -> LabelArray:
    from scipy import ndimage
    from skimage.segmentation import watershed

    is_object = probabilities[BACKGROUND] < 0.5
    is_seed = probabilities[INTERIOR] > _SEED_PROBABILITY
    seeds, _ = ndimage.label(is_seed)
    objects = watershed(probabilities[BORDER] - probabilities[INTERIOR], seeds, mask=is_object)
    return _number_without_gaps(objects, min_object_vox)


def _number_without_gaps(objects: LabelArray, min_object_vox: float) -> LabelArray:
    sizes = np.bincount(objects.ravel())
    is_kept = sizes >= max(min_object_vox, 1)
    is_kept[0] = False
    numbers = np.where(is_kept, np.cumsum(is_kept), 0).astype(np.int32)
    return np.asarray(numbers[objects])
