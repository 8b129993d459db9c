"""Windows of air: what may be left out of a CT because no body is there."""

from __future__ import annotations

import math

import numpy as np

from napari_medclf.domain.arrays import BoolArray, FloatArray
from napari_medclf.domain.geometry import Shape3
from napari_medclf.engine.sliding.window import Window

AIR_HU = -300.0
"""Below every tissue but lung, and above air with its noise on grids of a millimetre or coarser."""
_SMALLEST_PART_MM3 = 1000.0


def find_body(samples: FloatArray, voxel_mm3: float) -> BoolArray | None:
    """Find a box-like hull of everything in a CT that is no air.

    Parameters
    ----------
    samples : (K, J, I)
        True where a sample is above `AIR_HU`, or any array that is.
    voxel_mm3 : float
        Volume of a voxel.

    Returns
    -------
    (K, J, I) bool or None
        None where nothing but air was found, so that nothing is known.

    Notes
    -----
    Parts of at least a millilitre count, couch and cables with them. In every plane, along all three axes, the
    rectangle around these parts belongs to the body: lungs and bowel gas lie inside of it.
    """
    from scipy import ndimage

    parts, n_parts = ndimage.label(samples)
    sizes = np.bincount(parts.ravel(), minlength=n_parts + 1)
    is_large = sizes * voxel_mm3 >= _SMALLEST_PART_MM3
    is_large[0] = False
    if not is_large.any():
        return None
    solid = is_large[parts]
    hull = np.ones(solid.shape, dtype=bool)
    for axis in range(3):
        hull &= _rectangles(solid, axis)
    return hull


def wants_window(body: BoolArray, window: Window, corner: Shape3) -> bool:
    """Whether a window must be run: a body lies in it, or nearer to it than windows overlap.

    Notes
    -----
    A window that holds a voxel of the body is always run, so that there the logits are those of a run without
    skipping. A voxel outside of the body keeps the mean of those of its windows that were run, and is background
    where there are none.
    """
    box = []
    for start, size in zip(corner, window.tile, strict=True):
        margin = math.ceil(size * window.overlap) if size > 1 else 0
        box.append(slice(max(start - margin, 0), max(start + size + margin, 0)))
    return bool(body[tuple(box)].any())


class AirSkip:
    """Decides which windows of one run are asked, and counts those that are left out."""

    def __init__(self, body: BoolArray, window: Window) -> None:
        self._body, self._window = body, window
        self.n_seen = self.n_left_out = 0

    def __call__(self, corner: Shape3) -> bool:
        """Whether the window at a corner (k, j, i) of the model grid is run."""
        is_wanted = wants_window(self._body, self._window, corner)
        self.n_seen += 1
        self.n_left_out += not is_wanted
        return is_wanted

    @property
    def note(self) -> str:
        """For the end of the plan's line."""
        return f", {self.n_left_out} of {self.n_seen} windows left out as air"


def _rectangles(solid: BoolArray, axis: int) -> BoolArray:
    """The rectangle around what is solid, plane by plane across an axis."""
    first, second = (other for other in range(3) if other != axis)
    rows = _between(np.asarray(solid.any(axis=second)), first, second)
    columns = _between(np.asarray(solid.any(axis=first)), second, first)
    return np.asarray(rows & columns)


def _between(marks: BoolArray, along: int, gone: int) -> BoolArray:
    """True from the first to the last mark of every line; (K, J, I) with length 1 along the axis that is gone."""
    line = along - (along > gone)
    flipped = np.flip(np.maximum.accumulate(np.flip(marks, line), axis=line), line)
    found: BoolArray = np.maximum.accumulate(marks, axis=line) & flipped
    return np.expand_dims(found, gone)
