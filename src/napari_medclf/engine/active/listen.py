"""Hear what a network computes just before it answers, while it runs on an image as always."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from napari_medclf.domain.arrays import FloatArray
from napari_medclf.domain.errors import CardError
from napari_medclf.engine.classic.encoder import choose_layer, shown_of, weighted_layers


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
        total = rows.sum(dim=0)
        self._sum = total if self._sum is None else self._sum + total
        self._n_windows += len(rows)

    def take(self, other: Embedding) -> None:
        """Go on from what another one has heard."""
        self._sum, self._n_windows = other._sum, other._n_windows

    @property
    def values(self) -> FloatArray | None:
        """(F,) float32; None where the network was not run."""
        if self._sum is None:
            return None
        return np.asarray((self._sum / self._n_windows).cpu().numpy(), dtype=np.float32)


class Ear:
    """Listens to one network, image after image.

    The layer is the one that `engine.classic.encoder.choose_layer` takes: the input of the last linear layer of a
    classifier, the bottom of a U-Net. All layers are heard in the very first window; then it is known, and only that
    one is: no window runs twice.
    """

    def __init__(self) -> None:
        self._layer: str | None = None
        """Empty where the network has none."""

    @contextmanager
    def listening(self, network: Any) -> Iterator[Embedding]:
        """Listen while the body runs the network on one image.

        Nothing is heard of what is no torch module, or is run by other code than its own: a script, a compiled one.
        """
        heard = Embedding()
        if not _can_be_heard(network) or self._layer == "":
            yield heard
            return
        handles = self._hooks(network, heard)
        try:
            yield heard
        finally:
            for handle in handles:
                handle.remove()

    def _hooks(self, network: nn.Module, heard: Embedding) -> list[RemovableHandle]:
        if self._layer is not None:
            return [_hear(network.get_submodule(self._layer), heard)]
        called: list[tuple[str, tuple[int, ...]]] = []
        candidates: dict[str, Embedding] = {}
        handles: list[RemovableHandle] = []

        def on_layer(name: str, values: Tensor) -> None:
            called.append((name, tuple(values.shape)))
            candidates.setdefault(name, Embedding()).hear(values)

        def on_answer(*_: Any) -> None:
            while handles:
                handles.pop().remove()
            try:
                self._layer = choose_layer(called)
            except CardError:
                self._layer = ""
                return
            heard.take(candidates[self._layer])
            handles.append(_hear(network.get_submodule(self._layer), heard))

        handles += [
            layer.register_forward_hook(lambda _, given, found, name=name: on_layer(name, shown_of(given, found)))
            for name, layer in weighted_layers(network)
        ]
        handles.append(network.register_forward_hook(on_answer))
        return handles


def _hear(layer: nn.Module, heard: Embedding) -> RemovableHandle:
    return layer.register_forward_hook(lambda _, given, found: heard.hear(shown_of(given, found)))


def _can_be_heard(network: Any) -> bool:
    is_scripted = isinstance(network, torch.jit.ScriptModule)
    is_compiled = hasattr(network, "_orig_mod")  # torch.compile's wrapper, of a class that torch 2.13 does not export
    return isinstance(network, nn.Module) and not is_scripted and not is_compiled
