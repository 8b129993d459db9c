"""Run a network once, on what fits into the memory at once."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from napari_medclf.domain.errors import BackendUnavailable

Network = Callable[[Tensor], Tensor]
# Voxels that go through the network at once. On a CPU more of them are slower (they leave the cache,
# measured with 256 x 256 patches) and take memory; a GPU needs many to be busy.
_BATCH_VOX = {"cpu": 2**16, "mps": 2**20, "cuda": 2**22, "xpu": 2**22}


class DeviceMemoryError(BackendUnavailable, MemoryError):
    """The memory of a GPU is not enough."""


def batch_size(device: torch.device, input_vox: Sequence[int]) -> int:
    """How many inputs of a size go through a network at once."""
    return max(1, _BATCH_VOX.get(device.type, _BATCH_VOX["cpu"]) // math.prod(input_vox))


def run_batch(network: Network, inputs: Tensor, flip: tuple[int, ...] = (), *, flip_output: bool = True) -> Tensor:
    """Run a network on (N, C, *spatial) inputs, flipped along axes; the output is flipped back.

    Of several outputs (deep supervision, hidden states) the first one is the answer.

    Raises
    ------
    DeviceMemoryError
        If the device has not enough memory.
    MemoryError
        If the computer has not.
    """
    try:
        with torch.inference_mode():
            answer = network(inputs.flip(flip) if flip else inputs)
            outputs: Tensor = answer[0] if isinstance(answer, (tuple, list)) else answer
            return outputs.flip(flip) if flip and flip_output else outputs
    except torch.OutOfMemoryError as error:
        raise DeviceMemoryError(
            f"The memory of {inputs.device} is not enough for {len(inputs)} patches of {tuple(inputs.shape[2:])} "
            "voxels. Close other programs that use it, set a smaller batch, or run on the CPU."
        ) from error
    except RuntimeError as error:
        # torch has no class of its own for that; the second is oneDNN's, where its scratch memory does not fit
        if any(sign in str(error) for sign in ("DefaultCPUAllocator", "could not create a memory")):
            raise MemoryError from error
        raise


def run_mirrored(network: Network, inputs: Tensor, flips: Sequence[tuple[int, ...]]) -> Tensor:
    """Mean (N, classes, *spatial) of the network's answers to mirrored inputs, in the order of `flips`."""
    total = run_batch(network, inputs, flips[0])
    if len(flips) == 1:
        return total
    with torch.inference_mode():
        total = total.clone()  # a network may hand out a tensor that it uses again
        for flip in flips[1:]:
            total += run_batch(network, inputs, flip)
        return total.div_(len(flips))
