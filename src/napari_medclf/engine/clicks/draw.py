"""Draw clicks into the channels that a network takes them in."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from napari_medclf.domain.arrays import FloatArray

_REACH = 3.0
"""Deviations after which a Gaussian is zero."""


def draw_clicks(
    shape: Sequence[int], places: np.ndarray, channels: np.ndarray, n_channels: int, sigma_vox: float
) -> FloatArray:
    """Draw every click as a Gaussian that is 1 in its middle; where two of a channel meet the larger one counts.

    Parameters
    ----------
    shape : sequence of int
        Of the grid, two or three axes.
    places : (N, axes) integer
        On that grid; clicks outside are drawn as far as they reach into it.
    channels : (N,) integer
        Which channel each click belongs to.

    Returns
    -------
    (n_channels, *shape) float32
        From 0 to 1.
    """
    drawn = np.zeros((n_channels, *shape), np.float32)
    reach = int(np.ceil(_REACH * sigma_vox))
    for place, channel in zip(np.asarray(places), np.asarray(channels), strict=True):
        ends = [(max(int(at) - reach, 0), min(int(at) + reach + 1, n)) for at, n in zip(place, shape, strict=True)]
        if any(start >= stop for start, stop in ends):
            continue
        steps = [np.arange(start, stop) - int(at) for (start, stop), at in zip(ends, place, strict=True)]
        squares = np.add.reduce(np.meshgrid(*(one.astype(np.float32) ** 2 for one in steps), indexing="ij"))
        part = drawn[int(channel)][tuple(slice(*one) for one in ends)]
        np.maximum(part, np.where(squares <= reach**2, np.exp(-squares / (2 * sigma_vox**2)), 0), out=part)
    return drawn
