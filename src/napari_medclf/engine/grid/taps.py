"""Which old samples make a new one, along one axis."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_medclf.domain.arrays import FloatArray


@dataclass(frozen=True, eq=False)
class Taps:
    """What each new sample of an axis is made of: neighbouring old samples with a weight each.

    Parameters
    ----------
    first : (n_new,) int
        First old sample; as many follow it as there are weights.
    weight : (n_new, n_taps) float32
        Sums to 1 along the taps.
    """

    first: NDArray[np.intp]
    weight: FloatArray

    @property
    def n_taps(self) -> int:
        """How many old samples make a new one."""
        return int(self.weight.shape[1])


def tap_linear(positions: FloatArray, n_old: int) -> Taps:
    """Linear between centres: new samples lie at `positions` (n_new,), counted in old samples, or at the edge."""
    n_taps = min(2, n_old)
    inside = np.clip(positions, 0, n_old - 1)
    first = np.minimum(np.floor(inside).astype(np.intp), n_old - n_taps)
    weight = np.stack([1 - (inside - first), inside - first], axis=1)[:, :n_taps]
    return Taps(first, weight.astype(np.float32))


def tap_area(positions: FloatArray, width: float, n_old: int) -> Taps:
    """Mean over what a new sample of a `width` (in old samples, at least 1) covers of the axis."""
    low = np.clip(positions + 0.5 - width / 2, 0, n_old)
    high = np.clip(positions + 0.5 + width / 2, 0, n_old)
    first = np.minimum(np.floor(low + 1e-9).astype(np.intp), n_old - 1)
    n_taps = int((np.ceil(high - 1e-9) - first).max())
    first = np.minimum(first, n_old - n_taps)
    start = first[:, None] + np.arange(n_taps)
    covered = np.maximum(np.minimum(high[:, None], start + 1) - np.maximum(low[:, None], start), 0)
    return Taps(first, (covered / covered.sum(axis=1, keepdims=True)).astype(np.float32))


def mix_axis(samples: Tensor, axis: int, taps: Taps) -> Tensor:
    """Make the new samples of one axis of an array."""
    shape = (-1, *[1] * (samples.ndim - 1 - axis))
    mixed: Tensor | None = None
    for tap, weight in enumerate(torch.from_numpy(np.ascontiguousarray(taps.weight.T))):
        part = samples.index_select(axis, torch.from_numpy(taps.first + tap))
        part *= weight.reshape(shape)
        mixed = part if mixed is None else mixed.add_(part)
    assert mixed is not None  # a new sample is made of one old one at least
    return mixed
