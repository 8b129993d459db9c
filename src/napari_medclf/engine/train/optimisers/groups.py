"""Which weights decay, and how fast each block of a network learns."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from torch import nn

RATE_FACTOR = "rate_factor"
"""Entry of a parameter group: its learning rate is that of the schedule times this."""


def parameter_groups(network: nn.Module, weight_decay: float, layer_decay: float = 1.0) -> list[dict[str, Any]]:
    """Sort a network's parameters for an optimiser.

    Parameters
    ----------
    weight_decay : float
        Of weights of more than one dimension; biases and the weights of norms do not decay.
    layer_decay : float
        Each block further from the head learns at the rate of the next one times this (Howard 2018).
    """
    depths = block_depths(network)
    groups: dict[tuple[float, bool], dict[str, Any]] = {}
    for name, parameter in network.named_parameters():
        factor = 1.0 if layer_decay == 1 else layer_decay ** depths[name]
        is_decayed = parameter.dim() > 1
        empty = {"params": [], "weight_decay": weight_decay if is_decayed else 0.0, RATE_FACTOR: factor}
        groups.setdefault((factor, is_decayed), empty)["params"].append(parameter)
    return list(groups.values())


def block_depths(network: nn.Module) -> dict[str, int]:
    """Count how many blocks lie between each parameter and the head, by the parameter's name.

    Notes
    -----
    A block is a part of the network with parameters, in the order in which they are written down; of a network that
    only wraps another, the inner one's parts count.
    """
    prefix, parts = "", _learning_children(network)
    while len(parts) == 1:
        name, only = parts[0]
        prefix, parts = f"{prefix}{name}.", _learning_children(only)
    names = [f"{prefix}{name}." for name, _ in parts]
    depth_of = {name: len(names) - 1 - position for position, name in enumerate(names)}
    return {name: _depth(name, depth_of) for name, _ in network.named_parameters()}


def _learning_children(network: nn.Module) -> list[tuple[str, nn.Module]]:
    return [(name, part) for name, part in network.named_children() if any(True for _ in part.parameters())]


def _depth(name: str, depth_of: dict[str, int]) -> int:
    # A parameter that the network holds itself (a class token, a position) belongs to its input.
    deepest: Iterable[int] = depth_of.values()
    return next((depth for block, depth in depth_of.items() if name.startswith(block)), max(deepest, default=0))
