"""Hear what a network computes just before it answers, while it runs on an image as always."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from napari_medclf.domain.arrays import FloatArray
from napari_medclf.domain.errors import CardError
from napari_medclf.engine.classic.encoder import find_layer


class Embedding:
    """What was heard of one image: the mean over its windows."""

    def __init__(self) -> None:
        self._sum: Tensor | None = None
        self._n_windows = 0

    def hear(self, values: Tensor) -> None:
        """Take a layer's values (N, F) or (N, F, *spatial) of N windows; maps count with mean and maximum."""
        rows = values.detach().float()
        if rows.dim() > 2:
            flat = rows.flatten(2)
            rows = torch.cat([flat.mean(2), flat.amax(2)], 1)
        total = rows.sum(dim=0).cpu()
        self._sum = total if self._sum is None else self._sum + total
        self._n_windows += len(rows)

    @property
    def values(self) -> FloatArray | None:
        """(F,) float32; None where the network was not run."""
        if self._sum is None:
            return None
        return np.asarray((self._sum / self._n_windows).numpy(), dtype=np.float32)


@contextmanager
def listening(network: Any) -> Iterator[Embedding]:
    """Listen to a network while the body runs it; nothing is heard of what is no torch module.

    The layer is the one that `engine.classic.encoder.find_layer` takes: the input of the last linear layer of a
    classifier, the bottom of a U-Net. It is looked for with the first window, which costs one more run of that.
    """
    heard = Embedding()
    if not isinstance(network, nn.Module) or isinstance(network, torch.jit.ScriptModule):
        yield heard
        return
    ear = _Ear(network, heard)
    try:
        yield heard
    finally:
        ear.remove()


class _Ear:
    """Hooks of a network: one that finds the layer at the first call, then one at that layer."""

    def __init__(self, network: nn.Module, heard: Embedding) -> None:
        self._heard = heard
        self._handles = [network.register_forward_pre_hook(self._on_first)]

    def _on_first(self, network: nn.Module, given: tuple[Tensor, ...]) -> None:
        self.remove()  # finding the layer runs the network, too
        try:
            layer = network.get_submodule(find_layer(network, given[0][:1]))
        except CardError:
            return
        self._handles = [layer.register_forward_hook(self._on_layer)]

    def _on_layer(self, layer: nn.Module, given: tuple[Tensor, ...], found: Tensor) -> None:
        self._heard.hear(given[0] if given[0].dim() == 2 else found)

    def remove(self) -> None:
        for handle in self._handles:
            handle.remove()
        self._handles = []
