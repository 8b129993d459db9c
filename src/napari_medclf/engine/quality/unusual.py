"""Numbers that stand apart from those of the other images."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

# In normal data one of 500 million values is as far away as this many standard deviations.
_FAR = 6.0
_MAD_TO_STD = 1.4826
_FEWEST = 8
# Where most images agree exactly, what differs must be rare to be unusual.
_RARE = 0.05


def find_unusual(values: Sequence[float], *, is_ratio: bool = True) -> NDArray[np.intp]:
    """List positions whose value is far from the others'.

    Parameters
    ----------
    values : sequence of float
        One an image.
    is_ratio : bool
        Compare by ratio (sizes, spacings, brightness: all positive) rather than by difference.

    Returns
    -------
    array of int
        Empty for fewer than eight images.

    Notes
    -----
    Distance from the median in median absolute deviations (Iglewicz & Hoaglin 1993), six standard deviations away.
    Where more than half of the values are equal, every other value is unusual as long as these are at most 5 %.
    """
    array = np.asarray(values, dtype=np.float64)
    if len(array) < _FEWEST:
        return np.empty(0, dtype=np.intp)
    if is_ratio:
        array = np.log(np.maximum(array, np.finfo(np.float64).tiny))
    distance = np.abs(array - np.median(array))
    deviation = _MAD_TO_STD * float(np.median(distance))
    if deviation == 0:
        differs = np.flatnonzero(distance > 1e-9 * (1 + np.abs(array)))
        return differs if len(differs) <= _RARE * len(array) else np.empty(0, dtype=np.intp)
    return np.flatnonzero(distance > _FAR * deviation)
