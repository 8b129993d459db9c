"""Single voxels of what was kept of an image: their features on a common scale, their logits, their places."""

from __future__ import annotations

import math
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from napari_medclf.domain.arrays import FloatArray
from napari_medclf.engine.instant.cache import FeatureCache
from napari_medclf.engine.instant.part import to_model
from napari_medclf.engine.instant.regression import Change

_N_SAMPLED = 20_000
_SMALLEST_DEVIATION = 1e-6


class KeptVoxels:
    """Voxels of a `FeatureCache`, by their index (N, 3) in it.

    Parameters
    ----------
    seed : int
        Of the sample of voxels that the common scale is taken from.
    """

    def __init__(self, cache: FeatureCache, seed: int) -> None:
        self.cache = cache
        self.is_exclusive = cache.scene.channels.is_exclusive
        self.n_learned = cache.scene.channels.n_learned or cache.n_channels
        self._mean, self._scale = _common_scale(cache.features, seed)

    def locate(self, voxels: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Find voxels (N, 3) of the image: index (M, 3) of those inside of the region, and which of the N they are."""
        part = self.cache.part
        index = to_model(self.cache.scene.grid, voxels) - np.array([a for a, _ in part.box])
        is_inside = ((index >= 0) & (index < np.array(part.shape))).all(axis=1)
        return index[is_inside], is_inside

    def rows_at(self, index: NDArray[np.int64]) -> tuple[FloatArray, FloatArray]:
        """Features on a common scale (N, F) and the network's own logits (N, C)."""
        return self.features_at(index), self.cache.logits[(slice(None), *index.T)].T[:, : self.n_learned].copy()

    def features_at(self, index: NDArray[np.int64]) -> FloatArray:
        """Features on a common scale (N, F)."""
        return (self.cache.features[(slice(None), *index.T)].T.astype(np.float32) - self._mean) / self._scale

    def places(self, index: NDArray[np.int64]) -> FloatArray:
        """Where voxels lie (N, 3), counted in the finest step of the grid."""
        return np.asarray(index * np.array(self.steps), dtype=np.float32)

    @cached_property
    def steps(self) -> tuple[float, float, float]:
        """How long a model voxel is along each axis, in voxels of the finest one."""
        spacing = self.cache.scene.grid.model.spacing
        k, j, i = (one / min(spacing) for one in spacing)
        return k, j, i

    def probabilities(self, logits: FloatArray) -> FloatArray:
        """Make logits (N, C) probabilities, each of its own where classes do not exclude each other."""
        if not self.is_exclusive:
            return np.asarray(1 / (1 + np.exp(-np.clip(logits, -80, 80))), dtype=np.float32)
        parts = np.exp(logits - logits.max(axis=1, keepdims=True))
        return np.asarray(parts / parts.sum(axis=1, keepdims=True))

    def unscaled(self, x: FloatArray) -> FloatArray:
        """Give features as the network gives them, of those on the common scale."""
        return x * self._scale + self._mean

    def unscaled_change(self, change: Change) -> Change:
        """Give a change of the last layer as weights for features as the network gives them."""
        slope = change.slope / self._scale[:, np.newaxis]
        return Change(slope, change.shift - self._mean @ slope)


def _common_scale(features: NDArray[np.float16], seed: int) -> tuple[FloatArray, FloatArray]:
    """Mean and deviation (F,) of each feature, from a sample of voxels."""
    flat = features.reshape(len(features), math.prod(features.shape[1:]))  # there may be none
    chosen = np.random.default_rng(seed).integers(flat.shape[1], size=min(flat.shape[1], _N_SAMPLED))
    sample = flat[:, chosen].astype(np.float32)
    deviation = sample.std(axis=1)
    return sample.mean(axis=1), np.where(deviation > _SMALLEST_DEVIATION, deviation, 1).astype(np.float32)
