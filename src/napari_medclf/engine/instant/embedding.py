"""What a classifier computes of an image just before its last layer."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from napari_medclf.engine.instant.features import Network, torch_network
from napari_medclf.engine.sliding.run_batch import run_batch


class EmbeddingNetwork:
    """Answers with the network's scores and, after them, the numbers that its last linear layer makes them of.

    Parameters
    ----------
    layer : str
        Name of that layer; empty where there is none that can be heard: the scores are all there is then.
    """

    def __init__(self, network: Network, layer: str) -> None:
        self._network, self._layer = network, layer
        self._module = torch_network(network)

    def __call__(self, inputs: Tensor) -> Tensor:
        """Return (N, classes + F) of (N, C, *spatial) images."""
        if not self._layer or self._module is None:
            return run_batch(self._network, inputs)
        with _listening(self._module, self._layer) as heard:
            answer = run_batch(self._network, inputs)
        return torch.cat([answer, heard[-1][0].to(answer.dtype)], dim=1)


def find_linear(network: Network, inputs: Tensor) -> str:
    """Find the linear layer whose output is a network's answer; empty where there is none."""
    module = torch_network(network)
    if module is None:
        return ""
    for name, layer in reversed(list(module.named_modules())):
        if not isinstance(layer, nn.Linear):
            continue
        with _listening(module, name) as heard:
            answer = run_batch(network, inputs)
        if heard and heard[-1][1].shape == answer.shape and torch.equal(heard[-1][1].to(answer.dtype), answer):
            return name
    return ""


@contextmanager
def _listening(module: nn.Module, name: str) -> Iterator[list[tuple[Tensor, Tensor]]]:
    """Hear the input and the output of a layer, when this very thread calls it."""
    heard: list[tuple[Tensor, Tensor]] = []
    owner = threading.get_ident()

    def keep(_: nn.Module, given: Any, answer: Any) -> None:
        if threading.get_ident() == owner:
            heard.append((given[0], answer))

    hook: Callable[[nn.Module, Any, Any], None] = keep
    handle = module.get_submodule(name).register_forward_hook(hook)
    try:
        yield heard
    finally:
        handle.remove()
