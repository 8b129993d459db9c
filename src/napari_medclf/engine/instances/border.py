"""Objects of a network that sees interiors and borders as classes (Caicedo 2019)."""

from __future__ import annotations

from napari_medclf.domain.arrays import FloatArray, LabelArray

BACKGROUND, INTERIOR, BORDER = range(3)
"""Channels of the network."""
# A seed is where the interior clearly wins; an object ends where the background does.
_SEED_PROBABILITY = 0.5


def split_at_borders(probabilities: FloatArray) -> LabelArray:
    """Number the objects of (3, *spatial) probabilities of background, interior and border.

    Notes
    -----
    Seeds are connected interiors; a watershed on the border probability lets them grow over all that
    is more object than background.
    """
    from scipy import ndimage
    from skimage.segmentation import watershed

    is_object = probabilities[BACKGROUND] < 0.5
    is_seed = probabilities[INTERIOR] > _SEED_PROBABILITY
    seeds, _ = ndimage.label(is_seed)
    return watershed(probabilities[BORDER] - probabilities[INTERIOR], seeds, mask=is_object)
