"""Whether brightness by itself tells classes apart, or comes from lamps, detectors and settings."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from napari_medclf.engine.metrics.classification import area_under_curve

N_LOOKED_AT = 60
"""Images that are enough to see a large difference."""
_LARGE = 0.85
"""Area under the curve from which brightness is taken for what the classes are about."""


def brightness_tells(means: Sequence[float], classes: Sequence[Sequence[str]]) -> bool:
    """Say whether the images of any class are brighter, or darker, than most others.

    Parameters
    ----------
    means : sequence of float
        Mean sample of each image.
    classes : sequence of sequence of str
        Classes of each image.

    Examples
    --------
    >>> brightness_tells([10, 12, 50, 60], [("dark",), ("dark",), ("bright",), ("bright",)])
    True
    >>> brightness_tells([10, 60, 12, 50], [("dark",), ("dark",), ("bright",), ("bright",)])
    False
    """
    scores = np.asarray(means, dtype=float)
    for name in {one for each in classes for one in each}:
        area = area_under_curve(np.array([name in each for each in classes]), scores)
        if max(area, 1 - area) >= _LARGE:
            return True
    return False
