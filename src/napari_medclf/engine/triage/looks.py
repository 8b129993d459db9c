"""What an image looks like in a few dozen numbers, without any network: how bright and how rough, where, how large."""

from __future__ import annotations

import numpy as np

from napari_medclf.domain.arrays import FloatArray
from napari_medclf.engine.triage.thin import Thinned

PREFIX = "look:"
_CELLS = 4
_LEVELS = (10, 25, 50, 75, 90)
_ROUGH = (50, 75, 90, 99)


def looks_of(thinned: Thinned) -> dict[str, float]:
    """Describe an image by numbers that are far from those of other images where modality, organ or pose differ.

    Returns
    -------
    dict
        ``look:...`` to a number: percentiles of the samples between their 1st and 99th (so that scanner units do not
        matter), of their gradients, means of 4 x 4 cells of the rows and columns and of 4 parts along the slices,
        the samples' own range (inverse hyperbolic sine), and the extent (logarithm).
    """
    samples = thinned.samples
    low, high = np.percentile(samples, (1, 99)).tolist()
    scaled = np.clip((samples - low) / (high - low), 0, 1) if high > low else np.zeros_like(samples)
    found = {f"level_{p}": v for p, v in zip(_LEVELS, np.percentile(scaled, _LEVELS).tolist(), strict=True)}
    steps = np.abs(np.concatenate([np.diff(scaled, axis=axis).ravel() for axis in (1, 2)]))
    rough = np.percentile(steps, _ROUGH).tolist() if steps.size else [0.0] * len(_ROUGH)
    found |= {f"rough_{p}": v for p, v in zip(_ROUGH, rough, strict=True)}
    found |= {f"cell_{n}": v for n, v in enumerate(_cells(scaled))}
    if len(samples) > 1:
        found |= {f"part_{n}": v for n, v in enumerate(_means(scaled, 0))}
    found |= {"low": float(np.arcsinh(low)), "high": float(np.arcsinh(high))}
    sizes = np.log(np.asarray(samples.shape) * thinned.spacing).tolist()
    found |= {f"extent_{name}": size for name, size in zip("kji", sizes, strict=True)}
    return {PREFIX + name: float(value) for name, value in found.items()}


def _cells(scaled: FloatArray) -> list[float]:
    """Means over 4 x 4 cells of the rows and columns."""
    plane = scaled.mean(axis=0)
    return [mean for row in np.array_split(plane, _CELLS, axis=0) for mean in _means(row, 1)]


def _means(values: FloatArray, axis: int) -> list[float]:
    parts = np.array_split(values, _CELLS, axis=axis)
    return [float(part.mean()) if part.size else 0.0 for part in parts]
