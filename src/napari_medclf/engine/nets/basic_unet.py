"""The twin of ``monai.networks.nets.BasicUNet`` (a U-Net of five levels, Falk 2019)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from napari_medclf.engine.nets.layers import (
    CONVOLUTION,
    MAX_POOL,
    TRANSPOSED,
    ConvolutionMaker,
    LayerSpec,
    NotSupported,
    check_dims,
    named,
)

_DEFAULT_ACT: LayerSpec = ("LeakyReLU", {"negative_slope": 0.1, "inplace": True})
_DEFAULT_NORM: LayerSpec = ("instance", {"affine": True})


class BasicUNet(nn.Module):
    """See MONAI's.

    Parameters
    ----------
    features : six integers
        Channels of the five levels, and of the last block.
    upsample : str
        ``deconv``; other ways are MONAI's.
    """

    def __init__(
        self,
        spatial_dims: int = 3,
        in_channels: int = 1,
        out_channels: int = 2,
        features: Sequence[int] = (32, 32, 64, 128, 256, 32),
        act: LayerSpec = _DEFAULT_ACT,
        norm: LayerSpec = _DEFAULT_NORM,
        bias: bool = True,
        dropout: float = 0.0,
        upsample: str = "deconv",
    ) -> None:
        super().__init__()
        check_dims(spatial_dims)
        if upsample != "deconv" or len(features) != 6:
            raise NotSupported
        block = _Blocks(ConvolutionMaker(spatial_dims, act, norm, bias, dropout))
        f = features
        self.conv_0 = block.two_conv(in_channels, f[0])
        self.down_1 = block.down(f[0], f[1])
        self.down_2 = block.down(f[1], f[2])
        self.down_3 = block.down(f[2], f[3])
        self.down_4 = block.down(f[3], f[4])
        self.upcat_4 = _UpCat(block, f[4], f[3], f[3])
        self.upcat_3 = _UpCat(block, f[3], f[2], f[2])
        self.upcat_2 = _UpCat(block, f[2], f[1], f[1])
        self.upcat_1 = _UpCat(block, f[1], f[0], f[5], halves=False)
        self.final_conv = CONVOLUTION[spatial_dims](f[5], out_channels, kernel_size=1)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (N, out_channels, *spatial)."""
        x0 = self.conv_0(x)
        x1 = self.down_1(x0)
        x2 = self.down_2(x1)
        x3 = self.down_3(x2)
        x4 = self.down_4(x3)
        u4 = self.upcat_4(x4, x3)
        u3 = self.upcat_3(u4, x2)
        u2 = self.upcat_2(u3, x1)
        u1 = self.upcat_1(u2, x0)
        logits: Tensor = self.final_conv(u1)
        return logits


class _Blocks:
    """Makes the repeated parts of one network."""

    def __init__(self, convolution: ConvolutionMaker) -> None:
        self._convolution = convolution

    def two_conv(self, n_in: int, n_out: int) -> nn.Sequential:
        return named(conv_0=self._convolution(n_in, n_out), conv_1=self._convolution(n_out, n_out))

    def down(self, n_in: int, n_out: int) -> nn.Sequential:
        pool = MAX_POOL[self._convolution.spatial_dims](kernel_size=2)
        return named(max_pooling=pool, convs=self.two_conv(n_in, n_out))

    def up(self, n_in: int, n_out: int) -> nn.Sequential:
        return named(deconv=TRANSPOSED[self._convolution.spatial_dims](n_in, n_out, kernel_size=2, stride=2))


class _UpCat(nn.Module):
    """Upsample, join with the encoder's features, convolve twice."""

    def __init__(self, block: _Blocks, n_in: int, n_skip: int, n_out: int, *, halves: bool = True) -> None:
        super().__init__()
        n_up = n_in // 2 if halves else n_in
        self.upsample = block.up(n_in, n_up)
        self.convs = block.two_conv(n_skip + n_up, n_out)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        up = self.upsample(x)
        if up.shape[2:] != skip.shape[2:]:  # an odd size was halved on the way down
            missing = [size - have for size, have in zip(skip.shape[2:], up.shape[2:], strict=True)]
            padding = [n for axis in reversed(missing) for n in (0, axis)]
            up = nn.functional.pad(up, padding, "replicate")
        joined: Tensor = self.convs(torch.cat([skip, up], dim=1))
        return joined
