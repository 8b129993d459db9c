"""Weighted sums of overlapping windows, of which only the part that can still change is held."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from napari_medclf.domain.geometry import Shape3


@dataclass(frozen=True)
class Store:
    """Where sums are kept, and how exactly.

    Parameters
    ----------
    is_half : bool
        Half precision: half the memory, and labels that may differ at a boundary.
    is_on_disk : bool
        In a file without a name, which is gone with the process however that ends; only in main memory otherwise.
    """

    device: torch.device
    is_half: bool = False
    is_on_disk: bool = False

    def zeros(self, *shape: int) -> Tensor:
        """Make an array of sums.

        Raises
        ------
        OSError
            If the disk has no room for it.
        """
        dtype = torch.float16 if self.is_half else torch.float32
        if not self.is_on_disk:
            return torch.zeros(shape, dtype=dtype, device=self.device)
        with tempfile.TemporaryFile(prefix="medclf-sums-") as file:  # the mapping outlives this name
            kind = np.float16 if self.is_half else np.float32
            mapped: np.memmap[Any, Any] = np.memmap(file, kind, "w+", shape=shape)
        return torch.from_numpy(mapped)


class Sums:
    """A ring of planes along one axis: as windows move on, finished planes leave and their room is used again.

    Parameters
    ----------
    shape : (K, J, I)
        The grid.
    axis : int
        Along which windows move on.
    planes : (first, last)
        The part of that axis that is wanted; the rest of a window is dropped.
    n_held : int
        Planes that are held at once, at least as many as a window has inside of `planes`.
    background : (C,) Tensor or None
        Logits where no window was.
    """

    def __init__(
        self,
        shape: Shape3,
        axis: int,
        planes: tuple[int, int],
        n_held: int,
        n_channels: int,
        store: Store,
        background: Tensor | None = None,
    ) -> None:
        self._axis = axis
        self._base, self._last = planes
        self._n_held = n_held
        held = list(shape)
        held[axis] = n_held
        self._total = store.zeros(n_channels, *held)
        self._weight = torch.zeros(held, dtype=self._total.dtype, device=store.device)
        self._background = background

    @property
    def device(self) -> torch.device:
        """Where the sums are."""
        return self._total.device

    @property
    def base(self) -> int:
        """The first plane that is still held."""
        return self._base

    def has_room(self, end: int) -> bool:
        """Whether a window that ends before plane `end` can be added."""
        return min(end, self._last) - self._base <= self._n_held

    def add(self, corner: Shape3, logits: Tensor, weight: Tensor) -> None:
        """Add a window's logits (C, k, j, i), times its weight, where it lies; no plane of it may have left."""
        start, size = corner[self._axis], weight.shape[self._axis]
        first, last = max(start, self._base), min(start + size, self._last)
        box = [slice(begin, begin + n) for begin, n in zip(corner, weight.shape, strict=True)]
        for slot, plane, n_planes in self._segments(first, last):
            box[self._axis] = slice(slot, slot + n_planes)
            part = weight.narrow(self._axis, plane - start, n_planes)
            values = logits.narrow(self._axis + 1, plane - start, n_planes)
            total = self._total[(slice(None), *box)]
            if total.dtype == torch.float32:
                total.addcmul_(values, part)
            else:
                total += values * part  # the product in single precision, rounded once
            self._weight[tuple(box)] += part

    def pop(self, end: int, n_values: int) -> Iterator[tuple[int, Tensor]]:
        """Hand out the planes before `end`, which no later window touches, and use their room again.

        Yields
        ------
        first plane, (C, k, j, i)
            Weighted means; lent until the next one is asked for. About `n_values` numbers each, one plane at least.
        """
        n_at_once = max(1, n_values * self._n_held // self._total.numel())
        for slot, plane, n_planes in self._segments(self._base, min(end, self._last)):
            for start in range(0, n_planes, n_at_once):
                n = min(n_at_once, n_planes - start)
                total = self._total.narrow(self._axis + 1, slot + start, n)
                weight = self._weight.narrow(self._axis, slot + start, n)
                self._fill(total, weight)
                total /= weight
                yield plane + start, total
                total.zero_()
                weight.zero_()
        self._base = max(self._base, min(end, self._last))

    def _fill(self, total: Tensor, weight: Tensor) -> None:
        if self._background is None:
            return
        is_empty = weight == 0
        if bool(is_empty.any()):
            weight[is_empty] = 1
            for channel, value in zip(total, self._background.tolist(), strict=True):
                channel[is_empty] = value

    def _segments(self, first: int, last: int) -> Iterator[tuple[int, int, int]]:
        """Cut planes into runs that lie in a line in the ring: slot, plane, number."""
        while first < last:
            slot = first % self._n_held
            n = min(last - first, self._n_held - slot)
            yield slot, first, n
            first += n


def sums_bytes(shape: Shape3, axis: int, n_held: int, n_channels: int, *, is_half: bool = False) -> int:
    """How much memory the sums and their weights take."""
    planes = math.prod(shape) // shape[axis]
    return (n_channels + 1) * planes * n_held * (2 if is_half else 4)
