"""Bring batches to a GPU while it computes on the one before."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any, Protocol

import torch
from torch import Tensor


class Mover(Protocol):
    """What moves tensors to a device; another one stands in for a GPU in tests."""

    def send(self, batch: Tensor, slot: int) -> tuple[Tensor, Any]:
        """Begin to copy a batch by way of buffer number `slot`; returns the copy and what tells when it is there."""

    def wait(self, ticket: Any) -> None:
        """Make the work that follows on the device wait until a copy is there."""


def ahead(batches: Iterable[Tensor], device: torch.device, mover: Mover | None = None) -> Iterator[Tensor]:
    """Give batches on a device, the next one already under way.

    Parameters
    ----------
    batches : iterable of (N, C, *spatial) float32
        In main memory. One more than is in use is taken from it.
    mover : Mover or None
        None: pinned memory and a stream of its own on CUDA; plain copies elsewhere; nothing on a CPU.

    Yields
    ------
    Tensor
        On the device, valid until the next one is asked for.
    """
    if mover is None and device.type != "cuda":
        yield from batches if device.type == "cpu" else (batch.to(device) for batch in batches)
        return
    mover = mover or _PinnedMover(device)
    under_way: deque[tuple[Tensor, Any]] = deque()
    for number, batch in enumerate(batches):
        under_way.append(mover.send(batch, number % 2))
        if len(under_way) == 2:
            yield _arrived(mover, *under_way.popleft())
    while under_way:
        yield _arrived(mover, *under_way.popleft())


def _arrived(mover: Mover, batch: Tensor, ticket: Any) -> Tensor:
    mover.wait(ticket)
    return batch


class _PinnedMover:
    """Two page-locked buffers, and a stream that copies beside the one that computes."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._stream = torch.cuda.Stream(device)
        self._buffers: dict[int, tuple[Tensor, torch.cuda.Event]] = {}

    def send(self, batch: Tensor, slot: int) -> tuple[Tensor, torch.cuda.Event]:
        """See `Mover`."""
        buffer = self._buffer(batch, slot)
        buffer.copy_(batch)
        with torch.cuda.stream(self._stream):
            moved = buffer.to(self._device, non_blocking=True)
            event = torch.cuda.Event()
            event.record(self._stream)
        self._buffers[slot] = (buffer, event)
        return moved, event

    def wait(self, ticket: torch.cuda.Event) -> None:
        """See `Mover`."""
        torch.cuda.current_stream(self._device).wait_event(ticket)

    def _buffer(self, batch: Tensor, slot: int) -> Tensor:
        """A buffer of the batch's shape whose last copy has left it."""
        if slot in self._buffers:
            buffer, event = self._buffers[slot]
            event.synchronize()
            if buffer.shape == batch.shape and buffer.dtype == batch.dtype:
                return buffer
        return torch.empty(batch.shape, dtype=batch.dtype, pin_memory=True)
