"""MeshNet: a few dilated convolutions over the whole volume (Fedorov 2016; brainchop)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

from torch import Tensor, nn

_ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "relu": lambda: nn.ReLU(inplace=True),
    "elu": lambda: nn.ELU(inplace=True),
    "gelu": nn.GELU,
}


class MeshNet(nn.Module):
    """Layers that keep the size; the last one is a convolution alone.

    Parameters
    ----------
    channels : sequence of int
        Input channels, then the outputs of every convolution; the last are the classes.
    dilations, kernel_sizes : sequence of int
        One a convolution.
    norm : str
        ``group`` has a group a channel and learns nothing, as mindgrab's; with a norm, a layer's parts stand in a
        block of their own (``model.3.0.weight``), without one they follow each other (``model.6.weight``).
    """

    def __init__(
        self,
        channels: Sequence[int],
        dilations: Sequence[int],
        kernel_sizes: Sequence[int],
        norm: Literal["none", "group", "batch"] = "none",
        act: Literal["relu", "elu", "gelu"] = "relu",
        bias: bool = True,
    ) -> None:
        super().__init__()
        if not len(channels) - 1 == len(dilations) == len(kernel_sizes) > 0:
            raise ValueError(f"{len(channels) - 1} layers by channels, {len(dilations)} by dilations")
        layers: list[nn.Module] = []
        sizes = list(zip(channels, channels[1:], dilations, kernel_sizes, strict=False))
        for n_in, n_out, dilation, kernel_size in sizes[:-1]:
            convolution = _convolution(n_in, n_out, dilation, kernel_size, bias)
            activation = _ACTIVATIONS[act]()
            if norm == "none":
                layers += [convolution, activation]
            else:
                layers.append(nn.Sequential(convolution, _norm(norm, n_out), activation))
        layers.append(_convolution(*sizes[-1], bias=True))
        self.model = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (N, classes, K, J, I)."""
        logits: Tensor = self.model(x)
        return logits


def _convolution(n_in: int, n_out: int, dilation: int, kernel_size: int, bias: bool) -> nn.Conv3d:
    padding = dilation * (kernel_size // 2)
    return nn.Conv3d(n_in, n_out, kernel_size, padding=padding, dilation=dilation, bias=bias)


def _norm(kind: str, n: int) -> nn.Module:
    return nn.GroupNorm(n, n, affine=False) if kind == "group" else nn.BatchNorm3d(n)
