"""The mean of several networks' logits, slab by slab."""

from __future__ import annotations

import torch

from napari_medclf.domain.arrays import FloatArray
from napari_medclf.engine.restore.sink import Sink


class MeanOfMembers:
    """A sink before another one: takes the members' channels one after the other, hands on their mean.

    Parameters
    ----------
    sink : Sink
        Gets as many channels as one member has.
    n_members : int
        Their channels stand one after the other.
    is_half : bool
        Add in half precision, as nnU-Net adds its folds.
    """

    def __init__(self, sink: Sink, n_members: int, *, is_half: bool = False) -> None:
        self._sink = sink
        self._n_members = n_members
        self._dtype = torch.float16 if is_half else torch.float32

    def take(self, start: int, logits: FloatArray) -> None:
        """Take the next slab (members * C, K, J, I)."""
        members = torch.from_numpy(logits).reshape(self._n_members, -1, *logits.shape[1:])
        total = members[0].to(self._dtype, copy=True)
        for member in members[1:]:
            total += member.to(self._dtype)
        total /= self._n_members
        self._sink.take(start, total.float().numpy())
