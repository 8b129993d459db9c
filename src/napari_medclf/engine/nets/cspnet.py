"""A residual network whose stages send half of their channels past the blocks (Wang 2020, CSPNet)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from napari_medclf.engine.nets.layers import CONVOLUTION, MEAN_POOL, check_dims, make_norm


class CSPNet(nn.Module):
    """Cross Stage Partial network: gradients of the two halves of a stage stay apart, and less is computed twice.

    Parameters
    ----------
    channels : sequence of int
        Of each stage; each halves the size, but the first where `stem_stride` is 1.
    blocks : sequence of int
        Residual blocks of each stage, on one half of its channels.
    stem_stride : int
        Of the first convolution: 1 keeps small images large, 4 suits large ones.
    """

    def __init__(
        self,
        spatial_dims: int,
        in_channels: int,
        out_channels: int,
        channels: Sequence[int] = (32, 64, 128, 256),
        blocks: Sequence[int] = (1, 1, 2, 1),
        stem_stride: int = 2,
    ) -> None:
        super().__init__()
        check_dims(spatial_dims)
        if len(channels) != len(blocks):
            raise ValueError(f"{len(channels)} stages have channels, and {len(blocks)} have blocks")
        self.stem = _convolve(spatial_dims, in_channels, channels[0], 3, stem_stride)
        steps = (1,) + (2,) * (len(channels) - 1)
        befores = (channels[0], *channels[:-1])
        self.stages = nn.Sequential(
            *(
                _Stage(spatial_dims, n_in, n_out, n_blocks, step)
                for n_in, n_out, n_blocks, step in zip(befores, channels, blocks, steps, strict=True)
            )
        )
        self.pool = MEAN_POOL[spatial_dims](1)
        self.fc = nn.Linear(channels[-1], out_channels)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (N, out_channels)."""
        logits: Tensor = self.fc(self.pool(self.stages(self.stem(x))).flatten(1))
        return logits


class _Stage(nn.Module):
    """A convolution that may halve, then two ways: past the blocks, and through them; both are joined at the end."""

    def __init__(self, spatial_dims: int, n_in: int, n_out: int, n_blocks: int, stride: int) -> None:
        super().__init__()
        half = n_out // 2
        self.down = _convolve(spatial_dims, n_in, n_out, 3, stride)
        self.past = _convolve(spatial_dims, n_out, half, 1)
        self.into = _convolve(spatial_dims, n_out, half, 1)
        self.blocks = nn.Sequential(*(_Block(spatial_dims, half) for _ in range(n_blocks)))
        self.out_of = _convolve(spatial_dims, half, half, 1)
        self.join = _convolve(spatial_dims, 2 * half, n_out, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.down(x)
        through = self.out_of(self.blocks(self.into(x)))
        joined: Tensor = self.join(torch.cat((self.past(x), through), 1))
        return joined


class _Block(nn.Module):
    """A small and a large convolution beside a shortcut (Darknet's, Redmon 2018)."""

    def __init__(self, spatial_dims: int, n: int) -> None:
        super().__init__()
        self.body = nn.Sequential(_convolve(spatial_dims, n, n, 1), _convolve(spatial_dims, n, n, 3))

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = x + self.body(x)
        return out


def _convolve(spatial_dims: int, n_in: int, n_out: int, kernel: int, stride: int = 1) -> nn.Sequential:
    convolution = CONVOLUTION[spatial_dims](n_in, n_out, kernel, stride=stride, padding=kernel // 2, bias=False)
    nn.init.kaiming_normal_(convolution.get_parameter("weight"), mode="fan_out", nonlinearity="leaky_relu")
    return nn.Sequential(convolution, make_norm("batch", spatial_dims, n_out), nn.LeakyReLU(0.1, inplace=True))
