"""A person who knows the truth and corrects labels stroke by stroke, to measure what a correction is worth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from napari_medclf.domain.arrays import BoolArray, LabelArray
from napari_medclf.domain.stroke import Stroke, StrokeKind

_NEXT_TO = 1.5
"""Voxels that touch by side or corner are this close."""


@dataclass(frozen=True)
class Hand:
    """How a simulated person paints.

    Parameters
    ----------
    brush_vox : float
        Radius of the brush in the plane.
    length_vox : float
        How long a stroke is at most.
    smallest_vox : int
        Errors in a slice with fewer voxels are let be.
    """

    brush_vox: float = 3.0
    length_vox: float = 20.0
    smallest_vox: int = 4


def next_stroke(truth: LabelArray, labels: LabelArray, hand: Hand, author: str = "simulated") -> Stroke | None:
    """Correct the largest error of the worst slice with one stroke of a brush.

    Parameters
    ----------
    truth, labels : (K, J, I) integer
        What is right, and what is shown; slices are looked at along axis 0.

    Returns
    -------
    Stroke or None
        All its voxels get one value, the true one of the error; it stays inside of the region that truly has that
        value, as somebody does who paints to the border. None where no error is large enough.
    """
    is_wrong = truth != labels
    for k in np.argsort(-is_wrong.sum((1, 2)), kind="stable"):
        if is_wrong[k].sum() < hand.smallest_vox:
            return None
        error = _largest_error(truth[k], is_wrong[k])
        if error.sum() >= hand.smallest_vox:
            return _paint(truth, labels, int(k), error, hand, author)
    return None


def apply_stroke(labels: LabelArray, stroke: Stroke) -> LabelArray:
    """Return labels (a copy) with a stroke on them."""
    painted = labels.copy()
    painted.ravel()[stroke.voxels] = stroke.after
    return painted


def _largest_error(truth: LabelArray, is_wrong: BoolArray) -> BoolArray:
    """The largest connected part of a slice that should have one and the same value."""
    from scipy.ndimage import label

    best = np.zeros_like(is_wrong)
    for value in np.unique(truth[is_wrong]):
        parts, n_parts = label(is_wrong & (truth == value), np.ones((3, 3)))
        sizes = np.bincount(parts.ravel())[1:]
        if n_parts and sizes.max() > best.sum():
            best = parts == sizes.argmax() + 1
    return best


def _paint(truth: LabelArray, labels: LabelArray, k: int, error: BoolArray, hand: Hand, author: str) -> Stroke:
    value = int(truth[k][error][0])
    path = _path(error, hand)
    j, i = np.indices(error.shape)
    near = np.zeros_like(error)
    for row, column in path:
        near |= (j - row) ** 2 + (i - column) ** 2 <= hand.brush_vox**2
    voxels = np.flatnonzero(near & (truth[k] == value)) + k * error.size
    before = labels.ravel()[voxels]
    kind = StrokeKind.PAINT if value else StrokeKind.ERASE
    return Stroke(kind, voxels, before, np.full_like(before, value), author)


def _path(error: BoolArray, hand: Hand) -> list[tuple[int, int]]:
    """Walk through an error from its widest place, always on to the widest place within reach that is not done."""
    from scipy.ndimage import distance_transform_edt

    width = distance_transform_edt(np.pad(error, 1))[1:-1, 1:-1]
    here = np.unravel_index(int(width.argmax()), width.shape)
    path, walked = [(int(here[0]), int(here[1]))], 0.0
    rows, columns = np.nonzero(error)
    is_open = np.ones(len(rows), dtype=bool)
    while walked < hand.length_vox:
        apart = np.hypot(rows - here[0], columns - here[1])
        is_open &= apart > hand.brush_vox
        within = is_open & (apart <= hand.brush_vox + _NEXT_TO)
        if not within.any():
            break
        best = np.flatnonzero(within)[width[rows[within], columns[within]].argmax()]
        walked += float(apart[best])
        here = (rows[best], columns[best])
        path.append((int(here[0]), int(here[1])))
    return path
