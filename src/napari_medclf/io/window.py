"""Contrast limits for images that bring none."""

from __future__ import annotations

import numpy as np

from napari_medclf.domain.arrays import PixelArray

_MOST_SAMPLES = 200_000
_PERCENTILES = (0.5, 99.5)


def robust_window(data: PixelArray) -> tuple[float, float]:
    """Choose limits that leave out the outermost half percent at each end.

    Looks at an even selection of the samples, so a large volume costs no more than a small one.
    Samples that are not finite are left out.
    """
    step = max(1, data.size // _MOST_SAMPLES)
    samples = data.reshape(-1)[::step].astype(np.float64)
    samples = samples[np.isfinite(samples)]
    if samples.size == 0:
        return (0.0, 1.0)
    low, high = (float(value) for value in np.percentile(samples, _PERCENTILES))
    if high <= low:
        low, high = float(samples.min()), float(samples.max())
    return (low, high) if high > low else (low, low + 1.0)
