"""Several processes that train one network: what `torchrun` starts, on one machine or many."""

from __future__ import annotations

import atexit
import io
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from napari_medclf.domain.errors import OptionError

_PATIENCE = timedelta(hours=12)
"""The others wait this long for the first process, which validates alone."""


@dataclass(frozen=True)
class Processes:
    """The processes of one training.

    Parameters
    ----------
    rank : int
        Of this one, from 0; the first one validates and writes.
    n : int
        How many there are.
    device : str
        Where this one computes.

    Notes
    -----
    All draw the same batches; each runs the network on its part of a batch. Answers are gathered before the loss and
    gradients are added up after it, so that a step is that of one process (but for rounding, and dropout).
    """

    rank: int = 0
    n: int = 1
    device: str = "cpu"

    @property
    def is_first(self) -> bool:
        """Whether this one validates and writes."""
        return self.rank == 0

    def check_batch(self, size: int) -> None:
        """Refuse a batch that cannot be dealt out evenly.

        Raises
        ------
        OptionError
            If it is no multiple of the number of processes.
        """
        if size % self.n:
            raise OptionError(
                f"A batch of {size} cannot be shared evenly by {self.n} processes. Set batch to a multiple of {self.n}."
            )

    def add_gradients(self, network: nn.Module) -> None:
        """Let every process have the sum of all processes' gradients."""
        gradients = [one.grad for one in network.parameters() if one.grad is not None]
        if self.n == 1 or not gradients:
            return
        total = torch.cat([one.flatten() for one in gradients])
        dist.all_reduce(total)
        for one, summed in zip(gradients, total.split([one.numel() for one in gradients]), strict=True):
            one.copy_(summed.view_as(one))

    def same_seconds(self, seconds: float) -> float:
        """The first process's clock, so that all stop at the same step."""
        return float(self.same_values({"s": seconds})["s"]) if self.n > 1 else seconds

    def same_values(self, values: Mapping[str, float]) -> dict[str, float]:
        """The first process's named numbers."""
        if self.n == 1:
            return dict(values)
        found: dict[str, float] = json.loads(self._same_bytes(json.dumps(dict(values)).encode()))
        return found

    def same_state(self, state: dict[str, Any] | None) -> dict[str, Any] | None:
        """The first process's state of tensors, numbers and text; only that process has to have it."""
        if self.n == 1:
            return state
        buffer = io.BytesIO()
        torch.save(state, buffer)
        found: dict[str, Any] | None = torch.load(
            io.BytesIO(self._same_bytes(buffer.getvalue())), map_location="cpu", weights_only=True
        )
        return found

    def _same_bytes(self, content: bytes) -> bytes:
        size = torch.tensor([len(content)], device=self.device)
        dist.broadcast(size, 0)
        data = torch.frombuffer(bytearray(content), dtype=torch.uint8) if self.is_first else None
        shared = torch.empty(int(size), dtype=torch.uint8) if data is None else data
        shared = shared.to(self.device)
        dist.broadcast(shared, 0)
        return bytes(shared.cpu().numpy().tobytes())


@contextmanager
def joined(device: str) -> Iterator[Processes]:
    """Meet the other processes that ``torchrun`` started, or be alone.

    Parameters
    ----------
    device : str
        ``cuda`` becomes the GPU of this process on its machine.
    """
    n = int(os.environ.get("WORLD_SIZE", "1"))
    if n == 1:
        yield Processes(device=device)
        return
    is_cuda = device.startswith("cuda")
    if is_cuda:
        device = f"cuda:{os.environ.get('LOCAL_RANK', '0')}"
        torch.cuda.set_device(device)
    if not dist.is_initialized():
        # Once for the life of the process: a group that is left and met again reads the addresses of the one before
        # (torch 2.13 names both alike in its store), and waits for ever.
        dist.init_process_group("nccl" if is_cuda else "gloo", timeout=_PATIENCE)
        atexit.register(_leave)
    yield Processes(dist.get_rank(), dist.get_world_size(), device)


def _leave() -> None:
    if dist.is_initialized():
        dist.destroy_process_group()


class SharedNetwork(nn.Module):
    """Run a network on this process's part of a batch, and return the answers to all of it."""

    def __init__(self, network: nn.Module, processes: Processes) -> None:
        super().__init__()
        self.network = network
        self._processes = processes

    def forward(self, images: Tensor) -> Any:
        """Return the answers of the network (N, ...), each one gathered; (N, C, *spatial) images go in."""
        own = images.chunk(self._processes.n)[self._processes.rank]
        return self._gathered(self.network(own))

    def _gathered(self, answer: Any) -> Any:
        if isinstance(answer, Tensor):
            return _Gather.apply(answer.float(), self._processes.rank, self._processes.n)
        if isinstance(answer, Mapping):
            return {name: self._gathered(one) for name, one in answer.items()}
        return [self._gathered(one) for one in answer]


class _Gather(torch.autograd.Function):
    """The parts of all processes one after the other; back goes the gradient of this process's part."""

    @staticmethod
    def forward(ctx: Any, part: Tensor, rank: int, n: int) -> Tensor:
        ctx.rank, ctx.n = rank, n
        parts = [torch.empty_like(part, memory_format=torch.contiguous_format) for _ in range(n)]
        dist.all_gather(parts, part.contiguous())
        return torch.cat(parts)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        return gradients[0].chunk(ctx.n)[ctx.rank], None, None
