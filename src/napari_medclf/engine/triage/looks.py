"""What an image looks like in a few dozen numbers, without any network: how bright and how rough, where, how large."""

from __future__ import annotations

import numpy as np

from napari_medclf.domain.arrays import FloatArray
from napari_medclf.engine.triage.thin import Thinned

PREFIX = "look:"
_CELLS = 4
_LEVELS = (10, 25, 50, 75, 90)
_ROUGH = (50, 75, 90, 99)
_MOST_SORTED = 8192
_TINTS = ("red", "blue")


def looks_of(thinned: Thinned) -> dict[str, float]:
    """Describe an image by numbers that are far from those of other images where modality, organ or pose differ.

    Returns
    -------
    dict
        ``look:...`` to a number: percentiles of the samples between their 1st and 99th (so that scanner units do not
        matter), of their gradients, means of 4 x 4 cells of the rows and columns and of 4 parts along the slices,
        the tint in parts of that range, the samples' own range (inverse hyperbolic sine), and the extent (logarithm).
    """
    samples = thinned.samples
    low, *levels, high = np.percentile(_some(samples), (1, *_LEVELS, 99)).tolist()
    step = (high - low) or 1.0
    found = {f"level_{p}": min(max((v - low) / step, 0.0), 1.0) for p, v in zip(_LEVELS, levels, strict=True)}
    scaled = np.clip((samples - np.float32(low)) / np.float32(step), 0, 1)
    steps = np.abs(np.concatenate([_some(np.diff(scaled, axis=axis)) for axis in (1, 2)]))
    rough = np.percentile(steps, _ROUGH).tolist() if steps.size else [0.0] * len(_ROUGH)
    found |= {f"rough_{p}": v for p, v in zip(_ROUGH, rough, strict=True)}
    found |= {f"cell_{n}": v for n, v in enumerate(_means(_means(scaled.mean(axis=0), 0), 1).ravel().tolist())}
    if len(samples) > 1:
        found |= {f"part_{n}": v for n, v in enumerate(_means(scaled.mean(axis=(1, 2)), 0).tolist())}
    found |= {f"tint_{name}": value / step for name, value in zip(_TINTS, thinned.tint, strict=True)}
    found |= {"low": float(np.arcsinh(low)), "high": float(np.arcsinh(high))}
    sizes = np.log(np.asarray(samples.shape) * thinned.spacing).tolist()
    found |= {f"extent_{name}": size for name, size in zip("kji", sizes, strict=True)}
    return {PREFIX + name: float(value) for name, value in found.items()}


def _some(values: FloatArray) -> FloatArray:
    """Take so few values, evenly spread, that sorting them costs nothing."""
    return values.ravel()[:: max(values.size // _MOST_SORTED, 1)]


def _means(values: FloatArray, axis: int) -> FloatArray:
    """Means of four parts along an axis, of nearly the same length; an axis that is shorter repeats its values."""
    n = values.shape[axis]
    starts = np.arange(_CELLS) * n // _CELLS
    sizes = np.maximum(np.diff(np.append(starts, n)), 1)
    shape = [-1 if one == axis else 1 for one in range(values.ndim)]
    return np.asarray(np.add.reduceat(values, starts, axis=axis) / sizes.reshape(shape))
