"""Leave a network between two of its operations when a run is stopped."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode


class Stopped(BaseException):
    """A network was left on purpose; only a computation that nobody waits for any more sees it."""


class Stop:
    """Lets one run leave its network.

    Without it a stopped run would go on to the end of its window unseen, which takes seconds and much memory with
    large networks. What is no module of torch (other runtimes), or is compiled, ends its window.
    """

    def __init__(self, network: object) -> None:
        self._is_stopped = False
        self._can_leave = _is_plain(network)

    def stop(self) -> None:
        """Leave the network before its next operation."""
        self._is_stopped = True

    def watch(self) -> AbstractContextManager[Any]:
        """Make the network that the calling thread runs inside of this stoppable."""
        return _Watch(self) if self._can_leave else nullcontext()

    def look(self) -> None:
        """Raise `Stopped` once the run was stopped."""
        if self._is_stopped:
            raise Stopped


class _Watch(TorchFunctionMode):  # torch keeps modes a thread, so that other runs are not touched
    def __init__(self, stop: Stop) -> None:
        self._stop = stop

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        self._stop.look()
        return func(*args, **(kwargs or {}))


def _is_plain(network: object) -> bool:
    if not isinstance(network, nn.Module):
        return False
    # Compiled networks are told by name: their class lies in a part of torch that takes seconds to import.
    return not any(
        isinstance(one, torch.jit.ScriptModule) or type(one).__name__ == "OptimizedModule" for one in network.modules()
    )
