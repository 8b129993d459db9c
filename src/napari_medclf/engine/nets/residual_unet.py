"""A U-Net with residual blocks on the way down, which can answer on several scales (Isensee 2024)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from napari_medclf.engine.nets.layers import CONVOLUTION, TRANSPOSED, Stride, check_dims, make_norm, repeat


class ResidualUNet(nn.Module):
    """nnU-Net's residual encoder and plain decoder, with parameter names of our own.

    Parameters
    ----------
    channels : sequence of int
        Of each level, the top first.
    strides : sequence of int (or one an axis)
        Into each level; the top's is 1.
    kernels : sequence of int (or one an axis)
        Of each level's convolutions; empty for 3 everywhere.
    blocks : sequence of int
        Residual blocks of each level.
    is_deeply_supervised : bool
        Whether all levels but the lowest answer while it learns, the finest first.
    """

    def __init__(
        self,
        spatial_dims: int,
        in_channels: int,
        out_channels: int,
        channels: Sequence[int] = (16, 32, 64, 128, 160),
        strides: Sequence[Stride] = (1, 2, 2, 2, 2),
        kernels: Sequence[Stride] = (),
        blocks: Sequence[int] = (1, 2, 2, 2, 2),
        is_deeply_supervised: bool = False,
    ) -> None:
        super().__init__()
        check_dims(spatial_dims)
        if not len(channels) == len(strides) == len(blocks) == len(kernels or channels) or len(channels) < 2:
            raise ValueError(f"{len(channels)} levels need as many strides, blocks and kernels, and there must be two")
        self.is_deeply_supervised = is_deeply_supervised
        sizes = [repeat(kernel, spatial_dims) for kernel in kernels or [3] * len(channels)]
        steps = [repeat(stride, spatial_dims) for stride in strides]
        self.stem = _convolve(in_channels, channels[0], sizes[0])
        befores = (channels[0], *channels[:-1])
        self.down = nn.ModuleList(
            _make_level(n_in, n_out, size, step, n)
            for n_in, n_out, size, step, n in zip(befores, channels, sizes, steps, blocks, strict=True)
        )
        levels = range(len(channels) - 2, -1, -1)
        up = TRANSPOSED[spatial_dims]
        self.up = nn.ModuleList(
            up(channels[level + 1], channels[level], steps[level + 1], steps[level + 1]) for level in levels
        )
        self.join = nn.ModuleList(_convolve(2 * channels[level], channels[level], sizes[level]) for level in levels)
        self.heads = nn.ModuleList(CONVOLUTION[spatial_dims](channels[level], out_channels, 1) for level in levels)

    def forward(self, x: Tensor) -> Tensor | list[Tensor]:
        """Return logits (N, out_channels, *spatial); in training, those of all scales where it is told so."""
        x = self.stem(x)
        skips: list[Tensor] = []
        for level in self.down:
            x = level(x)
            skips.append(x)
        answers: list[Tensor] = []
        for up, join, head, skip in zip(self.up, self.join, self.heads, skips[-2::-1], strict=True):
            x = join(torch.cat((up(x), skip), 1))
            answers.append(head(x))
        return answers[::-1] if self.is_deeply_supervised and self.training else answers[-1]


class _Block(nn.Module):
    """Two convolutions beside a shortcut; where it halves, the shortcut takes the mean (He 2019)."""

    def __init__(self, n_in: int, n_out: int, size: tuple[int, ...], step: tuple[int, ...]) -> None:
        super().__init__()
        self.first = _convolve(n_in, n_out, size, step)
        self.second = _convolve(n_out, n_out, size)[:2]
        shortcut: list[nn.Module] = []
        if max(step) > 1:
            shortcut.append({2: nn.AvgPool2d, 3: nn.AvgPool3d}[len(size)](step, step))  # type: ignore[arg-type]  # a number an axis
        if n_in != n_out:
            shortcut.append(_convolve(n_in, n_out, (1,) * len(size))[:2])
        self.shortcut = nn.Sequential(*shortcut)
        self.activation = nn.LeakyReLU(0.01, inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.activation(self.second(self.first(x)) + self.shortcut(x))
        return out


def _make_level(n_in: int, n_out: int, size: tuple[int, ...], step: tuple[int, ...], n_blocks: int) -> nn.Sequential:
    rest = (_Block(n_out, n_out, size, (1,) * len(size)) for _ in range(1, n_blocks))
    return nn.Sequential(_Block(n_in, n_out, size, step), *rest)


def _convolve(n_in: int, n_out: int, size: tuple[int, ...], step: Stride = 1) -> nn.Sequential:
    spatial_dims = len(size)
    padding = tuple(one // 2 for one in size)
    convolution = CONVOLUTION[spatial_dims](n_in, n_out, size, stride=step, padding=padding, bias=False)
    nn.init.kaiming_normal_(convolution.get_parameter("weight"), a=0.01)
    norm = make_norm(("instance", {"affine": True}), spatial_dims, n_out)
    return nn.Sequential(convolution, norm, nn.LeakyReLU(0.01, inplace=True))
