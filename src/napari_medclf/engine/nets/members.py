"""Networks of one kind that answer together."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn


class Members(nn.Module):
    """Puts the channels of several networks one after the other; `engine.restore.members` takes their mean."""

    def __init__(self, networks: Iterable[nn.Module]) -> None:
        super().__init__()
        self.networks = nn.ModuleList(networks)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (N, members * classes, *spatial)."""
        return torch.cat([network(x) for network in self.networks], dim=1)
