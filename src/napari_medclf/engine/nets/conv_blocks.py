"""Rows of convolutions with the parameter names of ``dynamic_network_architectures``, nnU-Net's networks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, nn

from napari_medclf.engine.nets.layers import CONVOLUTION, Stride, repeat

TRANSPOSED_OF: Mapping[int, Callable[..., nn.Module]] = {2: nn.ConvTranspose2d, 3: nn.ConvTranspose3d}
MEAN_OF: Mapping[int, Callable[..., nn.Module]] = {2: nn.AvgPool2d, 3: nn.AvgPool3d}


@dataclass(frozen=True)
class BlockKinds:
    """Of what the blocks of a network are made.

    Parameters
    ----------
    norm, dropout, nonlin : class or None
        None leaves the layer out.
    is_nonlin_first : bool
        Convolution, activation, normalisation rather than convolution, normalisation, activation.
    """

    spatial_dims: int
    has_bias: bool = False
    norm: Callable[..., nn.Module] | None = None
    norm_arguments: Mapping[str, Any] = field(default_factory=dict)
    dropout: Callable[..., nn.Module] | None = None
    dropout_arguments: Mapping[str, Any] = field(default_factory=dict)
    nonlin: Callable[..., nn.Module] | None = None
    nonlin_arguments: Mapping[str, Any] = field(default_factory=dict)
    is_nonlin_first: bool = False

    def convolution(self, n_in: int, n_out: int, kernel: Stride, stride: Stride, *, has_bias: bool) -> nn.Module:
        """Make a convolution that keeps the size but for its stride."""
        sizes = repeat(kernel, self.spatial_dims)
        return CONVOLUTION[self.spatial_dims](
            n_in,
            n_out,
            sizes,
            repeat(stride, self.spatial_dims),
            padding=tuple((size - 1) // 2 for size in sizes),
            bias=has_bias,
        )

    def activation(self) -> nn.Module:
        """Make an activation; nothing where there is none."""
        return nn.Identity() if self.nonlin is None else self.nonlin(**self.nonlin_arguments)


class ConvBlock(nn.Module):
    """Convolution, dropout, normalisation, activation (``ConvDropoutNormReLU``).

    Every layer is stored under two names, its own and its place in ``all_modules``, as in the files.
    """

    def __init__(
        self,
        kinds: BlockKinds,
        n_in: int,
        n_out: int,
        kernel: Stride,
        stride: Stride,
        *,
        has_bias: bool | None = None,
        has_dropout: bool = True,
        has_nonlin: bool = True,
    ) -> None:
        super().__init__()
        bias = kinds.has_bias if has_bias is None else has_bias
        self.conv = kinds.convolution(n_in, n_out, kernel, stride, has_bias=bias)
        row = [self.conv]
        if kinds.dropout is not None and has_dropout:
            self.dropout = kinds.dropout(**kinds.dropout_arguments)
            row.append(self.dropout)
        if kinds.norm is not None:
            self.norm = kinds.norm(n_out, **kinds.norm_arguments)
            row.append(self.norm)
        if kinds.nonlin is not None and has_nonlin:
            self.nonlin = kinds.activation()
            row.append(self.nonlin)
        if kinds.is_nonlin_first and kinds.norm is not None and kinds.nonlin is not None:
            row[-2:] = row[:-3:-1]
        self.all_modules = nn.Sequential(*row)

    def forward(self, x: Tensor) -> Tensor:
        """Run the layers in their order."""
        out: Tensor = self.all_modules(x)
        return out


class ConvRow(nn.Module):
    """Some blocks in a row, of which the first one may have a stride (``StackedConvBlocks``)."""

    def __init__(self, kinds: BlockKinds, n_blocks: int, n_in: int, n_out: int, kernel: Stride, stride: Stride) -> None:
        super().__init__()
        first = ConvBlock(kinds, n_in, n_out, kernel, stride)
        self.convs = nn.Sequential(first, *(ConvBlock(kinds, n_out, n_out, kernel, 1) for _ in range(1, n_blocks)))

    def forward(self, x: Tensor) -> Tensor:
        """Run the blocks in their order."""
        out: Tensor = self.convs(x)
        return out


def per_stage(value: Any, n: int) -> list[Any]:
    """Give every stage its value, where one stands for all.

    Raises
    ------
    ValueError
        If there are more or fewer values than stages.
    """
    values = [value] * n if value is None or isinstance(value, int) else list(value)
    if len(values) != n:
        raise ValueError(f"{len(values)} values for {n} stages")
    return values


def sizes_of(strides: Sequence[Stride], spatial_dims: int) -> list[tuple[int, ...]]:
    """Give every stride a number an axis."""
    return [repeat(stride, spatial_dims) for stride in strides]
