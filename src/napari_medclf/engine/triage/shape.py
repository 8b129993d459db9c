"""The shape and place of labelled voxels in numbers that a wrong, flipped or shifted answer changes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from napari_medclf.domain.arrays import BoolArray, FloatArray
from napari_medclf.engine.triage.thin import Thinned

_AXES = "kji"
_RING_VOX = 2


@dataclass(frozen=True, eq=False)
class Structure:
    """Labelled voxels of an image, at least one.

    Parameters
    ----------
    places : (n, 3) float64
        Their indices (k, j, i).
    mask : (K, J, I) bool
        Within the box around them, which is two voxels wider on each side, as far as the image goes.
    samples : (K, J, I) float32
        Of the image in that box.
    """

    places: NDArray[np.float64]
    mask: BoolArray
    samples: FloatArray
    thinned: Thinned

    @classmethod
    def of(cls, mask: BoolArray, thinned: Thinned) -> Structure:
        """Cut a structure out of an image of the same shape."""
        found = np.nonzero(mask)
        bounds = [(max(int(one.min()) - _RING_VOX, 0), int(one.max()) + 1 + _RING_VOX) for one in found]
        box = tuple(slice(*ends) for ends in bounds)
        places = np.array(found, dtype=np.float64).T  # a coordinate after the other in memory: sums are 5 times as fast
        return cls(places, mask[box], thinned.samples[box], thinned)

    @cached_property
    def centre(self) -> NDArray[np.float64]:
        """Mean index (k, j, i)."""
        return np.asarray(self.places.mean(axis=0))

    @cached_property
    def spread(self) -> NDArray[np.float64]:
        """Standard deviation of the index (k, j, i)."""
        return np.asarray(self.places.std(axis=0))


def place_of(structure: Structure) -> dict[str, float]:
    """Centre of a structure as a part of the image along k, j and i (slices, rows, columns), 0 to 1."""
    centre = structure.centre / structure.thinned.samples.shape
    return {f"place_{name}": value for name, value in zip(_AXES, centre.tolist(), strict=True)}


def form_of(structure: Structure) -> dict[str, float]:
    """Extent, elongation, fill, tilt and skew of a structure.

    Returns
    -------
    dict
        ``extent_k`` ...: logarithm of the standard deviation of the voxels' place, in mm or pixels; ``elongation``:
        logarithm of the longest over the middle principal axis; ``fill``: part of the bounding box; ``tilt_kj`` ...:
        correlation of two coordinates, -1 to 1, whose sign a flip changes; ``skew_k`` ...: third standardised moment,
        whose sign a flip changes, too.
    """
    spacing = np.asarray(structure.thinned.spacing)
    centred = (structure.places - structure.centre) * spacing
    scatter = centred.T @ centred / len(centred)
    spread = np.maximum(np.sqrt(np.diag(scatter)), 0.25 * spacing)
    skew = (centred * centred * centred).mean(axis=0) / spread**3
    found = {f"extent_{name}": value for name, value in zip(_AXES, np.log(spread).tolist(), strict=True)}
    found |= {f"skew_{name}": value for name, value in zip(_AXES, skew.tolist(), strict=True)}
    for a, b in ((0, 1), (0, 2), (1, 2)):
        found[f"tilt_{_AXES[a]}{_AXES[b]}"] = float(scatter[a, b] / (spread[a] * spread[b]))
    axes = np.maximum(np.linalg.eigvalsh(scatter), 1e-6)
    found["elongation"] = float(np.log(axes[-1] / axes[-2]) / 2)
    box = np.ptp(structure.places, axis=0) + 1
    found["fill"] = float(len(structure.places) / np.prod(box))
    return found


def offsets_of(structure: Structure, whole: Structure) -> dict[str, float]:
    """Where a class lies within all that is labelled, in standard deviations of the latter along each axis."""
    spread = np.maximum(whole.spread, 0.5)
    offset = (structure.centre - whole.centre) / spread
    return {f"offset_{name}": value for name, value in zip(_AXES, offset.tolist(), strict=True)}


def light_of(structure: Structure) -> dict[str, float]:
    """How bright and rough a structure is inside, against what lies around it and against the whole image.

    Returns
    -------
    dict
        ``inside``: its mean above that of the image; ``contrast``: its mean above that of a ring of two voxels around
        it; ``texture``: its standard deviation. All in standard deviations of the image.
    """
    from scipy.ndimage import binary_dilation

    mask, samples = structure.mask, structure.samples
    ring = binary_dilation(mask, iterations=_RING_VOX) & ~mask
    whole_mean, spread = structure.thinned.mean_and_spread
    inside = samples[mask]
    mean = float(inside.mean())
    around = float(samples[ring].mean()) if ring.any() else mean
    return {
        "inside": (mean - whole_mean) / spread,
        "contrast": (mean - around) / spread,
        "texture": float(inside.std()) / spread,
    }


def fit_of(structure: Structure) -> float:
    """How well the border of a structure follows the edges of the image.

    Returns
    -------
    float
        Logarithm of the mean step of the samples across the border over the mean step in the box around it: above 0
        where the border lies on edges; about 0 for the answer of another image, or a flipped one.
    """
    across = total = 0.0
    n_across = n_total = 0
    for axis in range(3):
        steps = np.abs(np.diff(structure.samples, axis=axis))
        is_border = np.diff(structure.mask, axis=axis)
        across += float(steps[is_border].sum())
        total += float(steps.sum())
        n_across += int(np.count_nonzero(is_border))
        n_total += steps.size
    if not n_across or total == 0:
        return 0.0
    return float(np.log(max(across / n_across, 1e-3 * total / n_total) / (total / n_total)))


def pieces_of(structure: Structure) -> dict[str, float]:
    """Count the connected parts (logarithm), and tell how much of the structure the largest one holds."""
    from scipy.ndimage import label

    numbered, n = label(structure.mask)
    sizes = np.bincount(numbered.ravel())[1:]
    return {"count": float(np.log(n)), "largest": float(sizes.max() / sizes.sum())}
