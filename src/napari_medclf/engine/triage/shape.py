"""The shape and place of labelled voxels in numbers that a wrong, flipped or shifted answer changes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_medclf.domain.arrays import BoolArray, FloatArray
from napari_medclf.engine.triage.thin import Thinned

_AXES = "kji"
_RING_VOX = 2


def place_of(mask: BoolArray) -> dict[str, float]:
    """Centre of a structure as a part of the image along k, j and i (slices, rows, columns), 0 to 1."""
    centre = _positions(mask).mean(axis=0) / np.asarray(mask.shape)
    return {f"place_{name}": value for name, value in zip(_AXES, centre.tolist(), strict=True)}


def form_of(mask: BoolArray, spacing: tuple[float, float, float]) -> dict[str, float]:
    """Extent, elongation, fill, tilt and skew of a structure.

    Returns
    -------
    dict
        ``extent_k`` ...: logarithm of the standard deviation of the voxels' place, in mm or pixels; ``elongation``:
        logarithm of the longest over the middle principal axis; ``fill``: part of the bounding box; ``tilt_kj`` ...:
        correlation of two coordinates, -1 to 1, whose sign a flip changes; ``skew_k`` ...: third standardised moment,
        whose sign a flip changes, too.
    """
    places = _positions(mask) * np.asarray(spacing)
    centred = places - places.mean(axis=0)
    spread = np.maximum(centred.std(axis=0), 0.25 * np.asarray(spacing))
    found = {f"extent_{name}": float(np.log(value)) for name, value in zip(_AXES, spread, strict=True)}
    scaled = centred / spread
    for name, value in zip(_AXES, (scaled**3).mean(axis=0).tolist(), strict=True):
        found[f"skew_{name}"] = value
    tilt = scaled.T @ scaled / len(scaled)
    for a, b in ((0, 1), (0, 2), (1, 2)):
        found[f"tilt_{_AXES[a]}{_AXES[b]}"] = float(tilt[a, b])
    found["elongation"] = _elongation(centred)
    box = np.ptp(places, axis=0) / np.asarray(spacing) + 1
    found["fill"] = float(len(places) / np.prod(box))
    return found


def offsets_of(mask: BoolArray, whole: BoolArray) -> dict[str, float]:
    """Where a class lies within all that is labelled, in standard deviations of the latter along each axis."""
    all_places = _positions(whole)
    spread = np.maximum(all_places.std(axis=0), 0.5)
    offset = (_positions(mask).mean(axis=0) - all_places.mean(axis=0)) / spread
    return {f"offset_{name}": value for name, value in zip(_AXES, offset.tolist(), strict=True)}


def light_of(mask: BoolArray, thinned: Thinned) -> dict[str, float]:
    """How bright and rough a structure is inside, against what lies around it and against the whole image.

    Returns
    -------
    dict
        ``inside``: its mean above that of the image; ``contrast``: its mean above that of a ring of two voxels around
        it; ``texture``: its standard deviation. All in standard deviations of the image.
    """
    from scipy.ndimage import binary_dilation

    box = tuple(slice(max(a - _RING_VOX, 0), b + 1 + _RING_VOX) for a, b in _bounds(mask))
    samples, inside = thinned.samples[box], mask[box]
    ring = binary_dilation(inside, iterations=_RING_VOX) & ~inside
    spread = float(thinned.samples.std()) or 1.0
    mean = float(samples[inside].mean())
    around = float(samples[ring].mean()) if ring.any() else mean
    return {
        "inside": (mean - float(thinned.samples.mean())) / spread,
        "contrast": (mean - around) / spread,
        "texture": float(samples[inside].std()) / spread,
    }


def fit_of(mask: BoolArray, thinned: Thinned) -> float:
    """How well the border of a structure follows the edges of the image.

    Returns
    -------
    float
        Logarithm of the mean step of the samples across the border over the mean step in the box around it: above 0
        where the border lies on edges; about 0 for the answer of another image, or a flipped one.
    """
    box = tuple(slice(max(a - _RING_VOX, 0), b + 1 + _RING_VOX) for a, b in _bounds(mask))
    return _edge(thinned.samples[box], mask[box])


def pieces_of(mask: BoolArray) -> dict[str, float]:
    """Count the connected parts (logarithm), and tell how much of the structure the largest one holds."""
    from scipy.ndimage import label

    box = tuple(slice(a, b + 1) for a, b in _bounds(mask))
    numbered, n = label(mask[box])
    sizes = np.bincount(numbered.ravel())[1:]
    return {"count": float(np.log(n)), "largest": float(sizes.max() / sizes.sum())}


def _positions(mask: BoolArray) -> NDArray[np.float64]:
    """(n, 3) indices of the voxels."""
    return np.stack(np.nonzero(mask), axis=1).astype(np.float64)


def _bounds(mask: BoolArray) -> list[tuple[int, int]]:
    places = np.nonzero(mask)
    return [(int(one.min()), int(one.max())) for one in places]


def _elongation(centred: FloatArray) -> float:
    values = np.linalg.eigvalsh(centred.T @ centred / len(centred))
    return float(np.log(max(values[-1], 1e-6) / max(values[-2], 1e-6)) / 2)


def _edge(samples: FloatArray, inside: BoolArray) -> float:
    """Steps between neighbours one of which is inside, against all steps, as a logarithm."""
    across = total = 0.0
    n_across = n_total = 0
    for axis in range(3):
        steps = np.abs(np.diff(samples, axis=axis))
        is_border = np.diff(inside.view(np.int8), axis=axis) != 0
        across += float(steps[is_border].sum())
        total += float(steps.sum())
        n_across += int(np.count_nonzero(is_border))
        n_total += steps.size
    if not n_across or total == 0:
        return 0.0
    return float(np.log(max(across / n_across, 1e-3 * total / n_total) / (total / n_total)))
