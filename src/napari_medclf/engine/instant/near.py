"""What a stroke says about the voxels around it that look like it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_medclf.domain.arrays import FloatArray
from napari_medclf.domain.geometry import Shape3
from napari_medclf.engine.instant.targets import ChannelTargets

REACH = 3.0
"""Deviations of the Gaussian beyond which nothing is changed."""
_MOST_KEYS, _THINNED_VOX = 2048, 2
_CHUNK_VALUES = 2**22
_BELIEF = 0.1
"""How alike a painted voxel must be to be believed half, where no other one is near: a tenth."""


@dataclass(frozen=True, eq=False)
class Strokes:
    """Painted voxels as the model sees them.

    Parameters
    ----------
    places : (N, 3) float32
        (k, j, i) on the model grid, in voxels of its finest axis.
    x : (N, F) float32
        Features on a common scale.
    logits : (N, C) float32
        What is answered there without `Near`.
    targets : ChannelTargets
        What is right there.
    """

    places: FloatArray
    x: FloatArray
    logits: FloatArray
    targets: ChannelTargets


class Near:
    """Moves the logits of voxels as much as painted voxels around them needed it, the nearer and the more alike.

    Parameters
    ----------
    radius_vox : float
        Deviation of the Gaussian in space, in voxels of the finest axis.
    likeness : float
        Deviation in the features, in root mean square of their own deviations.
    margin : float
        By how many logits the right class shall lead at a painted voxel.

    Notes
    -----
    Kernel regression (Nadaraya 1964, Watson 1964) of what painted voxels need, in space and features at once, with
    nothing as what is expected far from all of them. Voxels that were right before they were painted need nothing, and
    so keep what is around them as it is: painting over a whole region confirms as well as corrects.
    """

    def __init__(self, strokes: Strokes, radius_vox: float, likeness: float, margin: float, is_exclusive: bool) -> None:
        self._radius = radius_vox
        self._scale = 1 / (likeness * max(strokes.x.shape[1], 1) ** 0.5)
        need = _exclusive_need(strokes, margin) if is_exclusive else _independent_need(strokes, margin)
        index = _thin(strokes)
        self._places = strokes.places[index]
        self._keys = self._joined(strokes.places[index], strokes.x[index])
        self._squared = (self._keys**2).sum(axis=1)
        self._need = need[index]

    def mark(self, shape: Shape3, start: Shape3, step: tuple[float, float, float]) -> NDArray[np.bool_]:
        """Find voxels of a box that may be within reach (K, J, I) bool.

        Parameters
        ----------
        start, step : three numbers
            First voxel of the box, and how long a voxel is, in voxels of the finest axis.
        """
        marks = np.zeros(shape, dtype=bool)
        cells = np.unique(np.floor(self._places / self._radius).astype(np.int64), axis=0)
        reach = self._radius * REACH
        for cell in cells:
            low, high = cell * self._radius - reach, (cell + 1) * self._radius + reach
            ends = [
                (max(int(np.ceil(a / s)) - b, 0), max(int(np.floor(z / s)) - b + 1, 0))
                for a, z, s, b in zip(low, high, step, start, strict=True)
            ]
            marks[tuple(slice(*one) for one in ends)] = True
        return marks

    def shift(self, places: FloatArray, x: FloatArray) -> FloatArray:
        """Say what is added to the logits (N, C) of voxels at places (N, 3) with features (N, F)."""
        moved = np.zeros((len(places), self._need.shape[1]), np.float32)
        known = self._joined(places, x)
        step = max(1, _CHUNK_VALUES // max(len(self._keys), 1))
        for first in range(0, len(known), step):
            chunk = known[first : first + step]
            likeness = (chunk**2).sum(axis=1, keepdims=True) + self._squared - 2 * (chunk @ self._keys.T)
            np.exp(np.maximum(likeness, 0) * np.float32(-0.5), out=likeness)
            likeness[likeness < np.exp(-(REACH**2) / 2)] = 0
            moved[first : first + step] = (likeness @ self._need) / (likeness.sum(axis=1, keepdims=True) + _BELIEF)
        return moved

    def _joined(self, places: FloatArray, x: FloatArray) -> FloatArray:
        return np.hstack([places / np.float32(self._radius), x * np.float32(self._scale)]).astype(np.float32)


def _exclusive_need(strokes: Strokes, margin: float) -> FloatArray:
    """By how much the right class must rise (N, C), to lead all others."""
    right = (strokes.targets.right > 0.5) & strokes.targets.is_known
    rows = np.flatnonzero(right.any(axis=1))
    need = np.zeros(strokes.logits.shape, np.float32)
    channel = right[rows].argmax(axis=1)
    own = strokes.logits[rows, channel]
    others = np.where(right[rows], -np.inf, strokes.logits[rows]).max(axis=1)
    need[rows, channel] = np.maximum(margin - (own - others), 0)
    return need


def _independent_need(strokes: Strokes, margin: float) -> FloatArray:
    """By how much each class must rise or fall (N, C)."""
    z = strokes.logits
    need = np.where(strokes.targets.right > 0.5, np.maximum(margin - z, 0), np.minimum(-margin - z, 0))
    return np.asarray(np.where(strokes.targets.is_known, need, 0), dtype=np.float32)


def _thin(strokes: Strokes) -> NDArray[np.intp]:
    """Keep one painted voxel of each class in each small cell, and not too many."""
    cells = np.floor(strokes.places / _THINNED_VOX).astype(np.int64)
    kinds = strokes.targets.right @ (2.0 ** np.arange(strokes.targets.right.shape[1]))
    _, first = np.unique(np.column_stack([cells, kinds]), axis=0, return_index=True)
    kept = np.sort(first)
    return kept if len(kept) <= _MOST_KEYS else np.random.default_rng(0).permutation(kept)[:_MOST_KEYS]
