"""Signs that a volume was spoilt by movement or by the machine: slices that do not follow each other, and ghosts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from napari_medclf.domain.arrays import FloatArray
from napari_medclf.domain.geometry import Vector3

_FEWEST_SLICES = 8
_SMOOTHED_VOX = 3
_MOST_IN_PLANE = 96
# Of the largest jump between slices; less is noise.
_LEAST_CHANGE = 0.02
_LEAST_REGION = 0.02
# Of 23 real volumes of CT and MR the largest were 0.71, 0.75 and 0.04.
_STRIPES, _JUMP, _GHOST = 0.95, 1.5, 0.12


@dataclass(frozen=True)
class Motion:
    """How much a volume looks as if something had moved.

    Parameters
    ----------
    stripes : float
        How different neighbouring slices are over how different the next but one are: below 1 for anatomy, above where
        slices were taken in two passes and the patient moved between them.
    jump : float
        The same for the worst single slice: its difference from both neighbours over theirs from each other.
    ghost : float
        How much brighter air is where the picture would stand again half a field of view away, over the brightness of
        the picture (Nyquist ghost).
    at : int
        The slice k where it is seen best.
    """

    stripes: float
    jump: float
    ghost: float
    at: int

    @property
    def score(self) -> float:
        """The largest of the three over its limit: 1 and more is worth a look."""
        return max(self.stripes / _STRIPES, self.jump / _JUMP, self.ghost / _GHOST)

    def __str__(self) -> str:
        stripes = f"slices alternate ({self.stripes:.2f} times the difference of the next but one)"
        jump = f"slice {self.at} differs {self.jump:.1f} times as much as its neighbours do"
        ghost = f"a ghost half a picture away has {self.ghost:.0%} of the brightness"
        shares = ((self.stripes / _STRIPES, stripes), (self.jump / _JUMP, jump), (self.ghost / _GHOST, ghost))
        return max(shares)[1]


NO_MOTION = Motion(0.0, 0.0, 0.0, 0)


def motion_of(volume: FloatArray, spacing: Vector3) -> Motion:
    """Look for movement in a volume.

    Parameters
    ----------
    volume : (K, J, I) float32
    spacing : (k, j, i)
        Slices are taken to lie along the axis of the widest spacing; k where all are equal.

    Returns
    -------
    Motion
        Nothing for pictures and for fewer than eight slices.
    """
    axis = int(np.argmax(np.round(spacing, 3)))
    if min(volume.shape) < 2 or volume.shape[axis] < _FEWEST_SLICES:
        return NO_MOTION
    slices = _thin(np.moveaxis(volume, axis, 0))
    stripes, jump, worst = _unsteady(slices)
    ghost = _ghost(slices[len(slices) // 2])
    middle = volume.shape[0] // 2
    return Motion(stripes, jump, ghost, worst if axis == 0 and jump / _JUMP >= ghost / _GHOST else middle)


def _thin(slices: FloatArray) -> FloatArray:
    """Average in the plane against noise, and take at most 96 samples a side."""
    from scipy.ndimage import uniform_filter

    smooth = uniform_filter(slices, size=(1, _SMOOTHED_VOX, _SMOOTHED_VOX))
    steps = [max(1, n // _MOST_IN_PLANE) for n in slices.shape[1:]]
    thinned = smooth[:, :: steps[0], :: steps[1]]
    low, high = np.percentile(thinned, (1, 99))
    return np.asarray(np.clip((thinned - low) / max(high - low, 1e-12), 0, 1), dtype=np.float32)


def _unsteady(slices: FloatArray) -> tuple[float, float, int]:
    next_one = np.abs(np.diff(slices, axis=0)).mean(axis=(1, 2))
    next_but_one = np.abs(slices[2:] - slices[:-2]).mean(axis=(1, 2))
    floor = max(_LEAST_CHANGE * float(next_one.max()), 1e-6)
    if next_but_one.mean() < 1e-6:
        return 0.0, 0.0, 0
    stripes = float(np.median((next_one[:-1] + next_one[1:]) / 2 / np.maximum(next_but_one, floor)))
    single = np.minimum(next_one[:-1], next_one[1:]) / np.maximum(next_but_one, max(floor, 0.01))
    inner = single[1:-1]  # anatomy may begin or end with one slice
    worst = int(np.argmax(inner)) + 2
    return stripes, float(inner.max()), worst


def _ghost(picture: FloatArray) -> float:
    """Compare air where a shifted copy of the body would lie with other air."""
    from scipy.ndimage import binary_dilation, binary_fill_holes
    from skimage.filters import threshold_otsu

    if picture.max() <= picture.min():
        return 0.0
    body = binary_fill_holes(picture > threshold_otsu(picture) / 2)
    near = binary_dilation(body, iterations=3)
    found = 0.0
    for axis in (0, 1):
        shifted = np.roll(body, picture.shape[axis] // 2, axis=axis) & ~near
        other = ~near & ~shifted
        if min(shifted.mean(), other.mean()) > _LEAST_REGION:
            brighter = float(np.median(picture[shifted]) - np.median(picture[other]))
            found = max(found, brighter / max(float(np.median(picture[body])), 1e-6))
    return found
