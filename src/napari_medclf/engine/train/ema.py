"""A running average of the weights, which generalises better than the last ones (Polyak 1992)."""

from __future__ import annotations

import copy

import torch
from torch import nn


class WeightAverage:
    """Follow a network's weights with a delay.

    Parameters
    ----------
    network : nn.Module
        Its weights are copied, not shared.
    decay : float
        Part of the average that stays at every step. Early steps use less, so that the random
        start is soon forgotten.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.network = copy.deepcopy(network).eval()
        for parameter in self.network.parameters():
            parameter.requires_grad_(False)
        self._decay = decay

    @torch.no_grad()
    def update(self, network: nn.Module, n_steps: int) -> None:
        """Take over a part of the network's weights after step number `n_steps` (from 1)."""
        decay = min(self._decay, (1 + n_steps) / (10 + n_steps))
        for mine, current in zip(_tensors(self.network), _tensors(network), strict=True):
            if mine.is_floating_point():
                mine.lerp_(current, 1 - decay)
            else:
                mine.copy_(current)


def _tensors(network: nn.Module) -> list[torch.Tensor]:
    return [*network.parameters(), *network.buffers()]
