"""Axes that shrink on the way home: planes are mixed first, so that only growing axes are left."""

from __future__ import annotations

import numpy as np
import torch

from napari_medclf.domain.arrays import FloatArray
from napari_medclf.engine.grid.taps import Taps, mix_axis


def mix_in_plane(slab: FloatArray, taps: Taps | None, axis: int) -> FloatArray:
    """Mix the samples of one axis of a slab (C, P, J, I); the slab itself where there is nothing to do."""
    if taps is None:
        return slab
    samples = torch.from_numpy(np.ascontiguousarray(slab, dtype=np.float32))
    return np.asarray(mix_axis(samples, axis, taps).numpy())


class PlaneMixer:
    """Mixes planes that arrive slab by slab.

    Parameters
    ----------
    taps : Taps or None
        New planes, in order; None where they are the old ones.
    """

    def __init__(self, taps: Taps | None) -> None:
        self._taps = taps
        self._n_seen = 0
        self._begun: dict[int, FloatArray] = {}

    def mix(self, slab: FloatArray) -> FloatArray:
        """Take the next old planes (C, P, J, I), give the new ones (C, Q, J, I) that are complete now."""
        if self._taps is None:
            return slab
        last = self._taps.first + self._taps.n_taps - 1
        seen = range(self._n_seen, self._n_seen + slab.shape[1])
        self._n_seen = seen.stop
        touched = np.flatnonzero((last >= seen.start) & (self._taps.first < seen.stop))
        for new in touched.tolist():
            self._add(new, slab, seen)
        done = sorted(new for new in self._begun if last[new] < seen.stop)
        empty = np.empty((len(slab), 0, *slab.shape[2:]), dtype=np.float32)
        return np.stack([self._begun.pop(new) for new in done], axis=1) if done else empty

    def _add(self, new: int, slab: FloatArray, seen: range) -> None:
        assert self._taps is not None
        first = int(self._taps.first[new])
        for tap, weight in enumerate(self._taps.weight[new]):
            if first + tap in seen:
                part = slab[:, first + tap - seen.start] * weight
                self._begun[new] = self._begun[new] + part if new in self._begun else part
