"""Choose which of a network's weights may move, and give layers a small change of their own to learn."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from napari_medclf.domain.errors import CardError
from napari_medclf.engine.adapt.settings import Part

_RANK = 4
_LAYERS = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose2d, nn.ConvTranspose3d, nn.Linear)


class LowRank(nn.Module):
    """A weight plus a product of two thin matrices, of which one begins at 0 (LoRA, Hu 2022).

    Parameters
    ----------
    weight : (rows, ...)
        Of a convolution or a linear layer; it is seen as a matrix of its first axis against all others.
    """

    def __init__(self, weight: Tensor, rank: int) -> None:
        super().__init__()
        rows, columns = weight.shape[0], weight[0].numel()
        self.narrow = nn.Parameter(torch.randn(rank, columns) / columns**0.5)
        self.wide = nn.Parameter(torch.zeros(rows, rank))

    def forward(self, weight: Tensor) -> Tensor:
        """Return the changed weight."""
        return weight + (self.wide @ self.narrow).view_as(weight)


@contextmanager
def learning(network: nn.Module, part: Part) -> Iterator[list[nn.Parameter]]:
    """Let a part of a network learn; at the end, adapters are folded into the weights that they changed.

    Yields
    ------
    list of Parameter
        What may move.

    Raises
    ------
    CardError
        If the network has no weights.

    Notes
    -----
    Names, shapes and number of the network's weights are the same before and after.
    """
    if not any(True for _ in network.parameters()):
        raise CardError("This network has no weights that could learn.")
    adapted = _add_adapters(network) if part is Part.ADAPTERS else []
    chosen = set(_chosen(network, part))
    for parameter in network.parameters():
        parameter.requires_grad_(parameter in chosen)
    try:
        yield [one for one in network.parameters() if one.requires_grad]
    finally:
        for layer in adapted:
            parametrize.remove_parametrizations(layer, "weight", leave_parametrized=True)
        network.requires_grad_(False)


def count_numbers(parameters: list[nn.Parameter]) -> int:
    """How many numbers may move."""
    return sum(one.numel() for one in parameters)


def head_of(network: nn.Module) -> nn.Module:
    """Find the last layer with weights: what turns features into an answer.

    Raises
    ------
    CardError
        If the network has no weights.
    """
    layers: list[nn.Module] = [one for one in network.modules() if isinstance(one, _LAYERS)]
    owners = layers or [one for one in network.modules() if any(True for _ in one.parameters(recurse=False))]
    if not owners:
        raise CardError("This network has no weights that could learn.")
    return owners[-1]


def _chosen(network: nn.Module, part: Part) -> Iterator[nn.Parameter]:
    if part is Part.ALL:
        yield from network.parameters()
        return
    yield from head_of(network).parameters()
    for module in network.modules() if part is not Part.HEAD else ():
        if is_norm(module) or isinstance(module, LowRank):
            yield from module.parameters(recurse=False)


def is_norm(module: nn.Module) -> bool:
    """Whether a layer standardises its input and then scales and shifts it."""
    return "Norm" in type(module).__name__ and next(module.children(), None) is None


def _add_adapters(network: nn.Module) -> list[nn.Module]:
    head = head_of(network)
    layers: list[nn.Module] = [one for one in network.modules() if isinstance(one, _LAYERS) and one is not head]
    for layer in layers:
        assert isinstance(layer.weight, Tensor)
        rank = min(_RANK, layer.weight.shape[0], layer.weight[0].numel())
        parametrize.register_parametrization(layer, "weight", LowRank(layer.weight, rank))
    return layers
