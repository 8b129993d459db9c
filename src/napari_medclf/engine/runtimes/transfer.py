"""Bring batches to a GPU while it computes on the one before."""

from __future__ import annotations

from typing import Any, Protocol

import torch
from torch import Tensor


class Mover(Protocol):
    """What moves tensors to a device; another one stands in for a GPU in tests."""

    def send(self, batch: Tensor, slot: int) -> tuple[Tensor, Any]:
        """Begin to copy a batch by way of buffer number `slot`; returns the copy and what tells when it is there."""

    def wait(self, moved: Tensor, ticket: Any) -> None:
        """Make the work that follows on the device wait until a copy is there."""


class Sender:
    """Sends batches to a device, one after the other; the copy of one runs beside the work on those before.

    Parameters
    ----------
    mover : Mover or None
        None: two pinned buffers and a stream of their own on CUDA; plain copies elsewhere; nothing on a CPU.
    """

    def __init__(self, device: torch.device, mover: Mover | None = None) -> None:
        self._device = device
        self._mover = mover if mover is not None or device.type != "cuda" else _PinnedMover(device)
        self._n_sent = 0

    def send(self, batch: Tensor) -> Tensor:
        """Give a batch on the device; the very same where it is there already."""
        if self._mover is None or batch.device.type == self._device.type:
            return batch.to(self._device)
        self._n_sent += 1
        moved, ticket = self._mover.send(batch, (self._n_sent - 1) % 2)
        self._mover.wait(moved, ticket)
        return moved


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

    def wait(self, moved: Tensor, ticket: torch.cuda.Event) -> None:
        """See `Mover`."""
        computing = torch.cuda.current_stream(self._device)
        computing.wait_event(ticket)
        moved.record_stream(computing)  # or its memory might be given away while it is still read

    def _buffer(self, batch: Tensor, slot: int) -> Tensor:
        """A buffer of the batch's shape whose last copy has left it."""
        if slot in self._buffers:
            buffer, event = self._buffers[slot]
            event.synchronize()
            if buffer.shape == batch.shape and buffer.dtype == batch.dtype:
                return buffer
        return torch.empty(batch.shape, dtype=batch.dtype, pin_memory=True)
