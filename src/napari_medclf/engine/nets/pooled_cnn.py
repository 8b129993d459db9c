"""A small classifier: convolutions and pooling in turn, the mean over the picture, one linear layer."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn


class PooledCNN(nn.Module):
    """Parameter names are ``conv_layers.{0, 3, 6}`` and ``fc``.

    Parameters
    ----------
    channels : sequence of int
        Outputs of the convolutions, each followed by ReLU and a halving.
    """

    def __init__(self, in_channels: int = 1, out_channels: int = 1, channels: Sequence[int] = (32, 64, 128)) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for n_in, n_out in zip((in_channels, *channels), channels, strict=False):
            layers += [nn.Conv2d(n_in, n_out, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
        self.conv_layers = nn.Sequential(*layers)
        self.fc = nn.Linear(channels[-1], out_channels)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (N, out_channels)."""
        logits: Tensor = self.fc(self.conv_layers(x).mean(dim=(2, 3)))
        return logits
