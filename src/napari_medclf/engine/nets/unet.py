"""The twin of ``monai.networks.nets.UNet`` (a U-Net with residual units, Kerfoot 2019)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from napari_medclf.engine.nets.layers import (
    CONVOLUTION,
    ConvolutionMaker,
    LayerSpec,
    NotSupported,
    Stride,
    check_dims,
    repeat,
)


class UNet(nn.Module):
    """See MONAI's.

    Parameters
    ----------
    channels : sequence of int
        Of each level, the top first.
    strides : sequence of int (or one an axis)
        Of each level but the last.
    num_res_units : int
        Convolutions of a residual unit; 0 for plain convolutions.
    """

    def __init__(
        self,
        spatial_dims: int,
        in_channels: int,
        out_channels: int,
        channels: Sequence[int],
        strides: Sequence[Stride],
        kernel_size: int = 3,
        up_kernel_size: int = 3,
        num_res_units: int = 0,
        act: LayerSpec = "PRELU",
        norm: LayerSpec = "INSTANCE",
        dropout: float = 0.0,
        bias: bool = True,
    ) -> None:
        super().__init__()
        check_dims(spatial_dims)
        is_odd = all(isinstance(size, int) and size % 2 == 1 for size in (kernel_size, up_kernel_size))
        if not is_odd or len(channels) < 2 or len(strides) != len(channels) - 1:
            raise NotSupported
        make = ConvolutionMaker(spatial_dims, act, norm, bias, dropout)
        self.model = _Levels(make, num_res_units, kernel_size, up_kernel_size).build(
            in_channels, out_channels, channels, strides, is_top=True
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (N, out_channels, *spatial)."""
        logits: Tensor = self.model(x)
        return logits


class _Levels:
    """Builds levels from the bottom up."""

    def __init__(self, make: ConvolutionMaker, n_units: int, kernel_size: int, up_kernel_size: int) -> None:
        self._make = make
        self._n_units = n_units
        self._kernel_size = kernel_size
        self._up_kernel_size = up_kernel_size

    def build(
        self, n_in: int, n_out: int, channels: Sequence[int], strides: Sequence[Stride], *, is_top: bool
    ) -> nn.Sequential:
        n = channels[0]
        if len(channels) > 2:
            below: nn.Module = self.build(n, n, channels[1:], strides[1:], is_top=False)
            n_joined = 2 * n
        else:
            below = self._down(n, channels[1], 1)
            n_joined = n + channels[1]
        down = self._down(n_in, n, strides[0])
        up = self._up(n_joined, n_out, strides[0], is_top)
        return nn.Sequential(down, _SkipConnection(below), up)

    def _down(self, n_in: int, n_out: int, stride: Stride) -> nn.Module:
        if self._n_units == 0:
            return self._make(n_in, n_out, self._kernel_size, stride)
        return _ResidualUnit(self._make, n_in, n_out, self._kernel_size, stride, self._n_units)

    def _up(self, n_in: int, n_out: int, stride: Stride, is_top: bool) -> nn.Module:
        is_bare = is_top and self._n_units == 0
        up = self._make(n_in, n_out, self._up_kernel_size, stride, is_transposed=True, is_bare=is_bare)
        if self._n_units == 0:
            return up
        return nn.Sequential(up, _ResidualUnit(self._make, n_out, n_out, self._kernel_size, 1, 1, is_last_bare=is_top))


class _SkipConnection(nn.Module):
    """Joins what comes in with what the levels below make of it."""

    def __init__(self, submodule: nn.Module) -> None:
        super().__init__()
        self.submodule = submodule

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([x, self.submodule(x)], dim=1)


class _ResidualUnit(nn.Module):
    """Convolutions beside a shortcut, which is a convolution where the shape changes."""

    def __init__(
        self,
        make: ConvolutionMaker,
        n_in: int,
        n_out: int,
        kernel_size: int,
        stride: Stride,
        n_units: int,
        *,
        is_last_bare: bool = False,
    ) -> None:
        super().__init__()
        self.conv = nn.Sequential()
        self.residual: nn.Module = nn.Identity()
        for number in range(n_units):
            first = (n_in, n_out, kernel_size, stride) if number == 0 else (n_out, n_out, kernel_size, 1)
            is_bare = is_last_bare and number == n_units - 1
            self.conv.add_module(f"unit{number}", make(*first, is_bare=is_bare))
        is_strided = math.prod(repeat(stride, make.spatial_dims)) != 1
        if is_strided or n_in != n_out:
            size = kernel_size if is_strided else 1
            self.residual = CONVOLUTION[make.spatial_dims](n_in, n_out, size, stride, size // 2, bias=make.has_bias)

    def forward(self, x: Tensor) -> Tensor:
        shortcut: Tensor = self.residual(x)
        return self.conv(x) + shortcut
