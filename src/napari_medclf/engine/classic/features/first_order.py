"""How bright an image is and how its samples are spread, whatever their order."""

from __future__ import annotations

import torch
from torch import Tensor

from napari_medclf.engine.classic.features.counting import count_codes

_PERCENTILES = (1, 5, 10, 25, 50, 75, 90, 95, 99)
_BINS = 16
_STATISTICS = (
    "mean", "sd", "skewness", "kurtosis", "minimum", "maximum", *(f"percentile {p}" for p in _PERCENTILES),
    "interquartile range", "mean absolute deviation", "energy", "entropy", "uniformity",
)  # fmt: skip
FIRST_ORDER_NAMES = (*_STATISTICS, *(f"histogram {bin_}" for bin_ in range(_BINS)))
"""What `first_order` counts, in its order (the first-order features of pyradiomics; van Griethuysen 2017)."""


def first_order(images: Tensor) -> Tensor:
    """Describe the samples of gray images.

    Parameters
    ----------
    images : (N, *spatial) float64

    Returns
    -------
    (N, len(FIRST_ORDER_NAMES)) float64
        The histogram has 16 bins from the image's smallest to its largest sample, and adds up to 1; entropy (in bits)
        and uniformity are its own. Skewness and kurtosis of a constant image are 0.
    """
    flat = images.flatten(1)
    mean = flat.mean(1)
    apart = flat - mean[:, None]
    variance = apart.square().mean(1)
    sd = variance.sqrt()
    safe = variance.clamp_min(1e-12)
    points = _percentiles(flat)
    histogram = _histogram(flat)
    columns = [
        mean,
        sd,
        apart.pow(3).mean(1) / safe**1.5,
        apart.pow(4).mean(1) / safe**2,
        flat.amin(1),
        flat.amax(1),
        *points.unbind(1),
        points[:, _PERCENTILES.index(75)] - points[:, _PERCENTILES.index(25)],
        apart.abs().mean(1),
        flat.square().mean(1),
        -(histogram * histogram.clamp_min(1e-12).log2()).sum(1),
        histogram.square().sum(1),
    ]
    return torch.cat([torch.stack(columns, 1), histogram], 1)


def quantise(flat: Tensor, n_levels: int) -> Tensor:
    """Bring each row (N, V) to whole levels from 0 to n_levels - 1 between its smallest and largest sample."""
    low, high = flat.amin(1, keepdim=True), flat.amax(1, keepdim=True)
    levels = (flat - low) * (n_levels / (high - low).clamp_min(1e-12))
    return levels.long().clamp_(0, n_levels - 1)


def _percentiles(flat: Tensor) -> Tensor:
    ordered = flat.sort(1).values
    places = torch.tensor(_PERCENTILES, dtype=flat.dtype, device=flat.device) / 100 * (flat.shape[1] - 1)
    below = places.floor().long()
    above = (below + 1).clamp_max(flat.shape[1] - 1)
    part = places - below
    return ordered[:, below] * (1 - part) + ordered[:, above] * part


def _histogram(flat: Tensor) -> Tensor:
    return count_codes(quantise(flat, _BINS), _BINS) / flat.shape[1]
