"""A network of convolutions with the manners of a transformer (Liu 2022, A ConvNet for the 2020s)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import layer_norm

from napari_medclf.engine.nets.layers import CONVOLUTION, check_dims


class ConvNeXt(nn.Module):
    """Patches, then stages of blocks with a large convolution for each channel alone.

    Parameters
    ----------
    channels, blocks : sequence of int
        Of each stage; (96, 192, 384, 768) and (3, 3, 9, 3) is ConvNeXt-T.
    patch : int
        Side of the patches that the first layer makes one voxel each; 4 in the paper, 2 for small images.
    kernel : int
        Side of the large convolutions; 7 in the paper.
    layer_scale : float
        What each block's answer is multiplied by at the start (Touvron 2021).
    """

    def __init__(
        self,
        spatial_dims: int,
        in_channels: int,
        out_channels: int,
        channels: Sequence[int] = (96, 192, 384, 768),
        blocks: Sequence[int] = (3, 3, 9, 3),
        patch: int = 4,
        kernel: int = 7,
        layer_scale: float = 1e-6,
    ) -> None:
        super().__init__()
        check_dims(spatial_dims)
        if len(channels) != len(blocks):
            raise ValueError(f"{len(channels)} stages have channels, and {len(blocks)} have blocks")
        if kernel % 2 == 0:
            raise ValueError(f"a kernel of {kernel} voxels has no middle")
        make = CONVOLUTION[spatial_dims]
        self.stem = nn.Sequential(make(in_channels, channels[0], patch, stride=patch), _ChannelNorm(channels[0]))
        self.stages = nn.ModuleList()
        for number, (n, n_blocks) in enumerate(zip(channels, blocks, strict=True)):
            row = [_Block(spatial_dims, n, kernel, layer_scale) for _ in range(n_blocks)]
            n_before = channels[number - 1]
            down = [_ChannelNorm(n_before), make(n_before, n, 2, stride=2)] if number else []
            self.stages.append(nn.Sequential(*down, *row))
        self.norm = nn.LayerNorm(channels[-1])
        self.fc = nn.Linear(channels[-1], out_channels)
        self.apply(_initialise)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (N, out_channels)."""
        x = self.stem(x)
        for stage in self.stages:
            x = stage(x)
        logits: Tensor = self.fc(self.norm(x.flatten(2).mean(2)))
        return logits


class _ChannelNorm(nn.LayerNorm):
    """Normalises the channels of every voxel by themselves, in (N, C, *spatial)."""

    def forward(self, input: Tensor) -> Tensor:
        last = input.movedim(1, -1)
        return layer_norm(last, self.normalized_shape, self.weight, self.bias, self.eps).movedim(-1, 1)


class _Block(nn.Module):
    """A large convolution a channel, then two layers at every voxel, beside a shortcut."""

    def __init__(self, spatial_dims: int, n: int, kernel: int, layer_scale: float) -> None:
        super().__init__()
        self.depthwise = CONVOLUTION[spatial_dims](n, n, kernel, padding=kernel // 2, groups=n)
        self.norm = nn.LayerNorm(n)
        self.widen = nn.Linear(n, 4 * n)
        self.narrow = nn.Linear(4 * n, n)
        self.scale = nn.Parameter(torch.full((n,), float(layer_scale)))

    def forward(self, x: Tensor) -> Tensor:
        voxels = self.norm(self.depthwise(x).movedim(1, -1))
        voxels = self.narrow(nn.functional.gelu(self.widen(voxels))) * self.scale
        out: Tensor = x + voxels.movedim(-1, 1)
        return out


def _initialise(module: nn.Module) -> None:
    if isinstance(module, (nn.Conv2d, nn.Conv3d, nn.Linear)):
        nn.init.trunc_normal_(module.weight, std=0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
