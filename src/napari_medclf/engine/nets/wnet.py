"""The W-Net for vessels in fundus photographs: two small U-Nets, the second corrects the first (Galdran 2020)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn


class WNet(nn.Module):
    """Parameter names are those of the authors' code (github.com/agaldran/lwnet, MIT).

    Parameters
    ----------
    in_channels, out_channels : int
        Three colours; one logit for vessels, or four for arteries and veins.
    features : sequence of int
        Widths of the levels: ``(8, 16, 32)``, or ``(8, 16, 32, 64)`` for the larger one.
    """

    def __init__(self, in_channels: int = 3, out_channels: int = 1, features: Sequence[int] = (8, 16, 32)) -> None:
        super().__init__()
        self.unet1 = _UNet(in_channels, out_channels, features)
        self.unet2 = _UNet(in_channels + out_channels, out_channels, features)

    def forward(self, x: Tensor) -> Tensor:
        """Return the second network's logits (N, out_channels, J, I)."""
        logits: Tensor = self.unet2(torch.cat([x, self.unet1(x)], dim=1))
        return logits


class _UNet(nn.Module):
    def __init__(self, n_in: int, n_out: int, features: Sequence[int]) -> None:
        super().__init__()
        pairs = list(pairwise(features))
        self.first = _Block(n_in, features[0])
        self.down_path = nn.ModuleList(_Block(narrow, wide, halves=True) for narrow, wide in pairs)
        self.up_path = nn.ModuleList(_Up(wide, narrow) for narrow, wide in reversed(pairs))
        self.final = nn.Conv2d(features[0], n_out, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        skips = []
        for down in self.down_path:
            skips.append(x)
            x = down(x)
        for up in self.up_path:
            x = up(x, skips.pop())
        logits: Tensor = self.final(x)
        return logits


class _Block(nn.Module):
    """Two convolutions beside a shortcut; normalised after the activation, not before."""

    def __init__(self, n_in: int, n_out: int, *, halves: bool = False) -> None:
        super().__init__()
        self.pool = nn.MaxPool2d(2) if halves else nn.Identity()
        self.shortcut = nn.Sequential(nn.Conv2d(n_in, n_out, 1, bias=False), nn.BatchNorm2d(n_out))
        self.block = nn.Sequential(*_convolve(n_in, n_out), *_convolve(n_out, n_out))

    def forward(self, x: Tensor) -> Tensor:
        x = self.pool(x)
        joined: Tensor = self.block(x) + self.shortcut(x)
        return joined


class _Up(nn.Module):
    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__()
        self.up_layer = _Named(nn.ConvTranspose2d(n_in, n_out, 2, stride=2))
        self.conv_layer = _Block(2 * n_out, n_out)
        self.conv_bridge_layer = _Named(*_convolve(n_out, n_out))

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        joined = torch.cat([self.up_layer(x), self.conv_bridge_layer(skip)], dim=1)
        answer: Tensor = self.conv_layer(joined)
        return answer


class _Named(nn.Module):
    """Layers under the name ``block``."""

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.block = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        answer: Tensor = self.block(x)
        return answer


def _convolve(n_in: int, n_out: int) -> tuple[nn.Module, ...]:
    return nn.Conv2d(n_in, n_out, 3, padding=1), nn.ReLU(), nn.BatchNorm2d(n_out)
