"""Compute in half precision where a device is fast at it, and again in float32 where that went wrong."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from napari_medclf.domain.card import Task
from napari_medclf.domain.errors import BackendUnavailable, unknown_choice
from napari_medclf.domain.run_settings import PRECISIONS

Network = Callable[[Tensor], Tensor]
_DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
# NVIDIA's compute capability from which tensor cores take the type (CUDA C++ Programming Guide, table of features).
_CAPABILITY = {torch.float16: (7, 0), torch.bfloat16: (8, 0)}


def choose_dtype(
    precision: str, device: torch.device, task: Task, capability: tuple[int, int] | None = None
) -> torch.dtype:
    """Say in which type a network computes.

    Parameters
    ----------
    precision : str
        Of `PRECISIONS`. ``auto`` is float16 for voxels on an NVIDIA or Intel GPU that is fast at it (nnU-Net's choice;
        it keeps three more bits than bfloat16), and float32 for scores of whole images, on Apple's GPUs and on a CPU.
    capability : (int, int) or None
        Of an NVIDIA GPU; None asks it.

    Raises
    ------
    BackendUnavailable
        If the name is not known, or the device cannot do it.
    """
    if precision not in PRECISIONS:
        raise BackendUnavailable(unknown_choice("precision", precision, PRECISIONS))
    if device.type == "cuda" and capability is None and precision != "float32":
        capability = torch.cuda.get_device_capability(device)
    if precision == "auto":
        is_fast = device.type == "xpu" or (capability or (0, 0)) >= _CAPABILITY[torch.float16]
        return torch.float16 if is_fast and not task.is_of_whole_image else torch.float32
    dtype = _DTYPES[precision]
    if device.type == "cpu" and dtype is torch.float16:
        raise BackendUnavailable("A CPU is no faster with float16. Choose the precision 'float32' or 'bfloat16'.")
    if device.type == "cuda" and (capability or (0, 0)) < _CAPABILITY.get(dtype, (0, 0)):
        raise BackendUnavailable(f"{device} cannot compute in {precision}: it is too old. Choose 'auto' or 'float32'.")
    return dtype


class MixedPrecision:
    """Runs a network under autocast; answers are float32.

    An answer in float16 that is not finite (a number above 65504 on the way) is computed again in float32, as is
    everything after it; `notes` then says so.
    """

    def __init__(self, network: Network, device: torch.device, dtype: torch.dtype) -> None:
        self.module = network
        self._device = device
        self._dtype = dtype
        self.notes: tuple[str, ...] = ()

    def __call__(self, inputs: Tensor) -> Tensor:
        """Answer (N, C, *spatial) inputs that are on the device."""
        is_mixed = self._dtype is not torch.float32
        # Weights that autocast has cast and kept would be gone when a CUDA graph is replayed.
        with torch.autocast(self._device.type, self._dtype, enabled=is_mixed, cache_enabled=False):
            answer = _first(self.module(inputs)).float()
        if self._dtype is torch.float16 and not bool(torch.isfinite(answer).all()):
            self._dtype = torch.float32
            self.notes = ("The network left the range of float16, so that it was run in float32, which takes longer.",)
            return _first(self.module(inputs)).float()
        return answer


def _first(answer: Tensor | tuple[Tensor, ...] | list[Tensor]) -> Tensor:
    return answer[0] if isinstance(answer, (tuple, list)) else answer
