"""Compile a network with torch, where a person asks for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import torch
from torch import Tensor, nn

from napari_medclf.domain.errors import BackendUnavailable


def compile_network(network: nn.Module, shape: tuple[int, ...], device: torch.device) -> Callable[[Tensor], Tensor]:
    """Compile for windows (C, *spatial) of one shape; other shapes are compiled when they come.

    Raises
    ------
    BackendUnavailable
        If this computer cannot compile: torch needs a C++ compiler for a CPU, and Triton for a GPU.

    Notes
    -----
    Takes a minute and more for a 3D network, at every start; never chosen by itself.
    """
    compiled = cast("Callable[[Tensor], Tensor]", torch.compile(network))
    try:
        with torch.inference_mode():
            compiled(torch.zeros((1, *shape), device=device))
    except Exception as error:
        reason = " ".join(str(error).split())[:200]
        raise BackendUnavailable(
            f"torch cannot compile this network here ({type(error).__name__}: {reason}). Choose the runtime 'torch'."
        ) from error
    return compiled
