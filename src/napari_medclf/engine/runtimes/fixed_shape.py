"""A network converted for one input shape, beside the torch network for any other."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from napari_medclf.domain.arrays import FloatArray

Run = Callable[[FloatArray], FloatArray]


class FixedShapeNetwork:
    """Runs what has the shape of the conversion there, and all else in torch.

    Parameters
    ----------
    run : callable
        (N, C, *spatial) float32 to the answer, in another runtime.
    shape : (C, *spatial)
        What `run` takes.
    network : callable
        The torch network, on the CPU.
    """

    def __init__(self, run: Run, shape: tuple[int, ...], network: Callable[[Tensor], Tensor]) -> None:
        self.module = network
        self._run = run
        self._shape = shape

    def __call__(self, inputs: Tensor) -> Tensor:
        """Answer (N, C, *spatial) inputs."""
        if tuple(inputs.shape[1:]) != self._shape:
            return self.module(inputs)
        return torch.from_numpy(self._run(np.ascontiguousarray(inputs.numpy())))
