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
_MOST_STROKE_VOX, _THINNED_VOX = 1024, 2
_CHUNK_VALUES = 2**22


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
    """Moves the logits of voxels towards what the nearest stroke of each class says, the nearer and the more alike.

    Parameters
    ----------
    radius_vox : float
        Deviation of the Gaussian in space, in voxels of the finest axis.
    likeness : float
        Deviation in the features, in root mean square of their own deviations.
    margin : float
        By how many logits the right class shall lead at the stroke itself.

    Notes
    -----
    A voxel that lies d away from a painted one, and whose features are r away, is moved by exp(-(d^2 + r^2) / 2) of
    what that one needs: where the network is as wrong as at the stroke but nothing else is alike, nothing changes, and
    nothing at all beyond three radii. Of many painted voxels of a class the closest in this sense counts, so that
    painting more of the same does not add up.
    """

    def __init__(self, strokes: Strokes, radius_vox: float, likeness: float, margin: float, is_exclusive: bool) -> None:
        self._radius, self._margin, self._is_exclusive = radius_vox, margin, is_exclusive
        self._scale = 1 / (likeness * max(strokes.x.shape[1], 1) ** 0.5)
        self._groups = [one for one in self._list_groups(strokes) if len(one[1])]
        self.n_channels = strokes.logits.shape[1]
        self._places = strokes.places

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
        moved = np.zeros((len(places), self.n_channels), np.float32)
        known = self._joined(places, x)
        squared = (known**2).sum(axis=1, keepdims=True)
        for channel, keys, key_squared, need in self._groups:
            step = max(1, _CHUNK_VALUES // len(keys))
            for first in range(0, len(known), step):
                chunk = slice(first, first + step)
                distance = squared[chunk] + key_squared - 2 * (known[chunk] @ keys.T)
                closest = distance.argmin(axis=1)
                least = np.maximum(np.take_along_axis(distance, closest[:, np.newaxis], axis=1)[:, 0], 0)
                part = np.where(least < REACH**2, np.exp(-least / 2), 0)
                moved[chunk, channel] += part * need[closest]
        return moved

    def _list_groups(self, strokes: Strokes) -> list[tuple[int, FloatArray, FloatArray, FloatArray]]:
        """For every channel and direction: keys (M, 3 + F), their squares (M,), and what they need (M,)."""
        groups = []
        lead = strokes.logits.max(axis=1)
        for channel in range(strokes.logits.shape[1]):
            is_known, is_right = strokes.targets.is_known[:, channel], strokes.targets.right[:, channel] > 0.5
            own = strokes.logits[:, channel]
            up = lead - own + self._margin if self._is_exclusive else np.maximum(self._margin - own, 0)
            groups.append(self._group(strokes, channel, is_known & is_right, up))
            if not self._is_exclusive:
                groups.append(self._group(strokes, channel, is_known & ~is_right, np.minimum(-self._margin - own, 0)))
        return groups

    def _group(
        self, strokes: Strokes, channel: int, chosen: NDArray[np.bool_], need: FloatArray
    ) -> tuple[int, FloatArray, FloatArray, FloatArray]:
        index = _thin(strokes.places, np.flatnonzero(chosen))
        keys = self._joined(strokes.places[index], strokes.x[index])
        return channel, keys, (keys**2).sum(axis=1), need[index].astype(np.float32)

    def _joined(self, places: FloatArray, x: FloatArray) -> FloatArray:
        return np.hstack([places / np.float32(self._radius), x * np.float32(self._scale)]).astype(np.float32)


def _thin(places: FloatArray, index: NDArray[np.intp]) -> NDArray[np.intp]:
    """Keep one painted voxel in each small cell, and not too many."""
    cells = np.floor(places[index] / _THINNED_VOX).astype(np.int64)
    _, first = np.unique(cells, axis=0, return_index=True)
    kept = index[np.sort(first)]
    if len(kept) <= _MOST_STROKE_VOX:
        return kept
    return np.random.default_rng(0).permutation(kept)[:_MOST_STROKE_VOX]
