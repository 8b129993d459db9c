"""How much memory a network takes while it runs, found out on a small patch."""

from __future__ import annotations

import math
import sys
import weakref
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves

from napari_medclf.engine.dispatch_mode import DispatchMode
from napari_medclf.engine.sliding.run_batch import run_batch
from napari_medclf.engine.sliding.window import Window
from napari_medclf.free_memory import peak_bytes, reset_peak

Network = Callable[[Tensor], Tensor]
# Large enough for four or five halvings, small enough to take a fiftieth of the time of a window.
_PROBE_VOX = 32
# oneDNN's own scratch memory and reordered copies beside torch's tensors: 0.96 to 1.18 was measured, for U-Nets.
_SCRATCH = 1.1


class ActivationMeter:
    """Measures what a network takes, once for each size of window."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, ...], float] = {}

    def window_bytes(self, network: Network, n_channels: int, window: Window, device: torch.device) -> int:
        """Foresee the peak memory of one window through the network, its input and answer included.

        Notes
        -----
        All tensors that are alive at once are counted while a small patch runs, and scaled by its voxels: right for
        networks of convolutions, and for attention inside of windows. Networks that refuse a small patch run one
        window; so do those that are not torch's, for which the process's own peak counts (Linux).
        """
        shape = (n_channels, *window.tile[3 - window.spatial_dims :])
        if shape not in self._known:
            self._known[shape] = _measure(network, shape, window, device)
        return math.ceil(self._known[shape])


def _measure(network: Network, shape: tuple[int, ...], window: Window, device: torch.device) -> float:
    step = window.divisible_by
    small = tuple(min(n, math.ceil(_PROBE_VOX / step) * step) for n in shape[1:])
    for sizes in dict.fromkeys((small, shape[1:])):
        inputs = torch.zeros((1, shape[0], *sizes), device=device)
        try:
            found, answer = _probe_torch(network, inputs)
        except Exception:  # noqa: BLE001, S112  (too small for its halvings, or of fixed size)
            continue
        if found is None:  # the small patch went through something that is not torch
            return _probe_other(network, torch.zeros((1, *shape), device=device))
        if answer.ndim != len(shape) + 1 or answer.shape[2:] == sizes:
            return found * math.prod(shape[1:]) / math.prod(sizes)
    # It cannot run at all: the run itself will say why.
    return 4.0 * math.prod(shape)


def _probe_torch(network: Network, inputs: Tensor) -> tuple[float | None, Tensor]:
    """Run a network and count torch's memory; None where it is not torch that computes."""
    if inputs.device.type == "cuda":
        before = torch.cuda.memory_allocated(inputs.device)
        torch.cuda.reset_peak_memory_stats(inputs.device)
        answer = run_batch(network, inputs)
        return float(torch.cuda.max_memory_allocated(inputs.device) - before + inputs.nbytes), answer
    # What is compiled is counted as it would run without: torch 2.13 would else compile the counting, too.
    is_compiling = "torch._dynamo" in sys.modules
    with torch.compiler.set_stance("force_eager") if is_compiling else nullcontext(), LiveTensors(inputs) as live:
        answer = run_batch(network, inputs)
    return (live.peak_bytes * _SCRATCH if live.n_operations > 1 else None), answer


def _probe_other(network: Network, inputs: Tensor) -> float:
    """Run one window, and count by how much the process grows."""
    reset_peak()
    before = peak_bytes()
    answer = run_batch(network, inputs)
    return float(max(peak_bytes() - before, 0) + inputs.nbytes + answer.nbytes)


class LiveTensors(DispatchMode):
    """Counts the bytes of all tensors that torch makes while this is active, and are alive at once.

    Parameters
    ----------
    inputs : Tensor
        Counted from the start.
    """

    def __init__(self, inputs: Tensor) -> None:
        super().__init__()
        self._bytes: dict[int, int] = {}
        self._holders: Counter[int] = Counter()
        self.live_bytes = self.peak_bytes = self.n_operations = 0
        self._count([inputs])

    def __torch_dispatch__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        found = func(*args, **(kwargs or {}))
        self.n_operations += 1
        self._count(tree_leaves(found))
        return found

    def _count(self, found: Iterable[Any]) -> None:
        for one in found:
            if not isinstance(one, Tensor):
                continue
            storage = one.untyped_storage()
            key = storage._cdata  # noqa: SLF001  (tensors that share memory share this)
            if key not in self._bytes:
                self._bytes[key] = storage.nbytes()
                self.live_bytes += storage.nbytes()
            self._holders[key] += 1
            weakref.finalize(one, self._drop, key)
        self.peak_bytes = max(self.peak_bytes, self.live_bytes)

    def _drop(self, key: int) -> None:
        self._holders[key] -= 1
        if self._holders[key] == 0:
            del self._holders[key]
            self.live_bytes -= self._bytes.pop(key)
