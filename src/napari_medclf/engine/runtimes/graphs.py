"""Replay a network's kernels as one CUDA graph, where windows always have the same shape."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor

Network = Callable[[Tensor], Tensor]
_Key = tuple[bool | int, ...]  # whether under autocast, then the shape
_log = logging.getLogger(__name__)
_WARM_UPS = 3  # cuDNN chooses its kernels and takes its memory before they are recorded
_ROUNDS = 3
_SMALLEST_GAIN = 1.05
_MOST_SHAPES = 2  # a run has whole batches and a last, smaller one


class Recorder(Protocol):
    """What records and replays; another one stands in for a GPU in tests."""

    def record(self, network: Network, inputs: Tensor) -> tuple[Callable[[Tensor], Tensor], float]:
        """Give a function that replays a network on other inputs of the same shape, and how many times faster it is."""


class GraphedNetwork:
    """Records a network the first time it sees a shape, and replays it from then on.

    Where recording fails (a network that looks at its values, or memory that is short) or gains nothing (large windows,
    where the GPU is busy anyway), and for further shapes, the network runs as it is.
    """

    def __init__(self, network: Network, recorder: Recorder | None = None) -> None:
        self.module = network
        self._recorder = recorder or CudaRecorder()
        self._replays: dict[_Key, Callable[[Tensor], Tensor]] = {}
        self.is_given_up = False

    def __call__(self, inputs: Tensor) -> Tensor:
        """Answer (N, C, *spatial) inputs that are on the GPU."""
        key = (torch.is_autocast_enabled(inputs.device.type), *inputs.shape)
        if key not in self._replays and not self._record(key, inputs):
            return self.module(inputs)
        return self._replays[key](inputs)

    def _record(self, key: _Key, inputs: Tensor) -> bool:
        if self.is_given_up or len(self._replays) >= _MOST_SHAPES:
            return False
        try:
            replay, gain = self._recorder.record(self.module, inputs)
        except RuntimeError:
            _log.debug("no CUDA graph for %s", key, exc_info=True)
            gain = 0.0
        if gain < _SMALLEST_GAIN:
            self.is_given_up = True
            self._replays.clear()  # what they hold is memory
            return False
        self._replays[key] = replay
        return True


class CudaRecorder:
    """Records with `torch.cuda.CUDAGraph` (PyTorch's notes on CUDA semantics, "whole-network capture")."""

    def record(self, network: Network, inputs: Tensor) -> tuple[Callable[[Tensor], Tensor], float]:
        """See `Recorder`."""
        held = inputs.clone()
        beside = torch.cuda.Stream(inputs.device)
        beside.wait_stream(torch.cuda.current_stream(inputs.device))
        with torch.cuda.stream(beside):
            for _ in range(_WARM_UPS):
                network(held)
        torch.cuda.current_stream(inputs.device).wait_stream(beside)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            answer = network(held)

        def replay(others: Tensor) -> Tensor:
            held.copy_(others)
            graph.replay()
            return answer.clone()  # the next replay writes over it

        return replay, _time(network, held) / _time(replay, held)


def _time(network: Network, inputs: Tensor) -> float:
    """Milliseconds that the GPU takes for a few runs."""
    start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    network(inputs)
    start.record()
    for _ in range(_ROUNDS):
        network(inputs)
    end.record()
    end.synchronize()
    return start.elapsed_time(end)
