"""Embeddings of a trained network as features: what it computes just before it answers, frozen."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from napari_medclf.domain.card import NetworkSpec
from napari_medclf.domain.errors import CardError

_WEIGHTED = (nn.Linear, nn.Conv2d, nn.Conv3d)


class FrozenEncoder(nn.Module):
    """A network of an installed model that is not changed any more.

    Parameters
    ----------
    encoder : dict
        ``target`` and ``arguments`` of the network, as in its card.
    layer : str
        Name of the layer that is listened to: a linear one's input, or a convolution's output (its mean and maximum
        over the image). Empty: the layer is looked for when the first images come.

    Notes
    -----
    It stays in evaluation mode, also inside a network that is trained.
    """

    def __init__(self, encoder: Mapping[str, Any], layer: str = "") -> None:
        from napari_medclf.engine.networks import build_network

        super().__init__()
        self.network = build_network(NetworkSpec.model_validate(encoder)).eval().requires_grad_(False)
        self.layer = layer

    def train(self, mode: bool = True) -> FrozenEncoder:
        """Stay in evaluation mode."""
        return super().train(False)

    def forward(self, images: Tensor) -> Tensor:
        """Embeddings (N, F) float64 of images (N, C, *spatial)."""
        if not self.layer:
            self.layer = find_layer(self.network, images[:1])
        layer = self.network.get_submodule(self.layer)
        heard: list[Tensor] = []
        handle = _listen(layer, heard)
        try:
            self.network(images)
        finally:
            handle.remove()
        return _pooled(heard[-1]).double()


def find_layer(network: nn.Module, images: Tensor) -> str:
    """Say where a network's embedding is.

    Returns
    -------
    str
        Name of the last linear layer that takes one vector an image (of a classifier), else of the convolution with
        the smallest picture (the bottom of a U-Net), the one with most channels and latest among equals.

    Raises
    ------
    CardError
        If the network has neither.
    """
    called: list[tuple[str, tuple[int, ...]]] = []
    handles = [
        layer.register_forward_hook(
            lambda _, given, found, name=name: called.append((name, tuple(shown_of(given, found).shape)))
        )
        for name, layer in weighted_layers(network)
    ]
    try:
        with torch.no_grad():
            network(images)
    finally:
        for handle in handles:
            handle.remove()
    return choose_layer(called)


def weighted_layers(network: nn.Module) -> list[tuple[str, nn.Module]]:
    """List the layers whose values may be features, by name."""
    return [(name, layer) for name, layer in network.named_modules() if isinstance(layer, _WEIGHTED)]


def choose_layer(called: Sequence[tuple[str, tuple[int, ...]]]) -> str:
    """Choose among layers by the shapes of their values (`shown_of`), in the order in which they were called.

    Returns
    -------
    str
        As `find_layer`.

    Raises
    ------
    CardError
        If none has values that could be features.
    """
    if called and len(called[-1][1]) == 2:
        return called[-1][0]
    maps = [(name, shape) for name, shape in called if len(shape) > 3]
    if not maps:
        raise CardError("The network has no layer whose values could be features.")
    order = [(-math.prod(shape[2:]), shape[1], number) for number, (_, shape) in enumerate(maps)]
    return maps[order.index(max(order))][0]


def shown_of(given: tuple[Any, ...], found: Any) -> Tensor:
    """What counts of a layer: the input of a linear one, which is one vector an image, or the output."""
    return given[0] if given[0].dim() == 2 else found


def _listen(layer: nn.Module, heard: list[Tensor]) -> RemovableHandle:
    return layer.register_forward_hook(lambda _, given, found: heard.append(shown_of(given, found)))


def _pooled(values: Tensor) -> Tensor:
    if values.dim() == 2:
        return values
    flat = values.flatten(2)
    return torch.cat([flat.mean(2), flat.amax(2)], 1)
