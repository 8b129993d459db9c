"""Layers by dimension and by MONAI's names for them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from torch import nn

LayerSpec = str | tuple[str, dict[str, Any]] | list[Any]
"""A name, or a pair of name and arguments, as MONAI writes layers (a list where it comes from JSON)."""
Stride = int | Sequence[int]
"""One number, or one an axis."""

# By dimension; the layers of a dimension take the same arguments.
_Layers = dict[int, Callable[..., nn.Module]]
CONVOLUTION: _Layers = {2: nn.Conv2d, 3: nn.Conv3d}
TRANSPOSED: _Layers = {2: nn.ConvTranspose2d, 3: nn.ConvTranspose3d}
MAX_POOL: _Layers = {2: nn.MaxPool2d, 3: nn.MaxPool3d}
MEAN_POOL: _Layers = {2: nn.AdaptiveAvgPool2d, 3: nn.AdaptiveAvgPool3d}
_BATCH_NORM: _Layers = {2: nn.BatchNorm2d, 3: nn.BatchNorm3d}
_INSTANCE_NORM: _Layers = {2: nn.InstanceNorm2d, 3: nn.InstanceNorm3d}
_ACTIVATIONS: dict[str, Callable[..., nn.Module]] = {
    "relu": nn.ReLU,
    "leakyrelu": nn.LeakyReLU,
    "prelu": nn.PReLU,
    "gelu": nn.GELU,
    "elu": nn.ELU,
}


class NotSupported(Exception):
    """An argument that the twin does not know and MONAI may."""


def check_dims(spatial_dims: int) -> None:
    """Refuse what the twins do not know."""
    if spatial_dims not in CONVOLUTION:
        raise NotSupported


def make_norm(spec: LayerSpec, spatial_dims: int, channels: int) -> nn.Module:
    """Make a normalisation layer from its MONAI name."""
    name, arguments = _split(spec)
    if name == "batch":
        return _BATCH_NORM[spatial_dims](channels, **arguments)
    if name == "instance":
        return _INSTANCE_NORM[spatial_dims](channels, **arguments)
    if name == "group":
        return nn.GroupNorm(num_channels=channels, **arguments)
    raise NotSupported


def make_activation(spec: LayerSpec) -> nn.Module:
    """Make an activation layer from its MONAI name."""
    name, arguments = _split(spec)
    if name not in _ACTIVATIONS:
        raise NotSupported
    return _ACTIVATIONS[name](**arguments)


class ConvolutionMaker:
    """Makes the convolutions of one network: MONAI's ``Convolution`` with norm, dropout and activation."""

    def __init__(self, spatial_dims: int, act: LayerSpec, norm: LayerSpec, has_bias: bool, dropout: float) -> None:
        if not isinstance(dropout, (int, float)):
            raise NotSupported
        self.spatial_dims = spatial_dims
        self.has_bias = has_bias
        self._act = act
        self._norm = norm
        self._dropout = dropout

    def __call__(
        self,
        n_in: int,
        n_out: int,
        kernel_size: int = 3,
        stride: Stride = 1,
        *,
        is_transposed: bool = False,
        is_bare: bool = False,
    ) -> nn.Sequential:
        """Make one; a bare one is the convolution alone."""
        layers = TRANSPOSED if is_transposed else CONVOLUTION
        padding: dict[str, Any] = {"padding": kernel_size // 2}
        if is_transposed:  # the output shall be the input's size times the stride
            padding["output_padding"] = tuple(step - 1 for step in repeat(stride, self.spatial_dims))
        conv = layers[self.spatial_dims](
            n_in, n_out, kernel_size=kernel_size, stride=stride, bias=self.has_bias, **padding
        )
        if is_bare:
            return named(conv=conv)
        norm = make_norm(self._norm, self.spatial_dims, n_out)
        adn = named(N=norm, D=nn.Dropout(self._dropout), A=make_activation(self._act))
        return named(conv=conv, adn=adn)


def named(**modules: nn.Module) -> nn.Sequential:
    """Put modules in a row under their names, which weights are stored by."""
    sequence = nn.Sequential()
    for name, module in modules.items():
        sequence.add_module(name, module)
    return sequence


def repeat(value: Stride, n: int) -> tuple[int, ...]:
    """Give every axis its number."""
    return (value,) * n if isinstance(value, int) else tuple(value)


def _split(spec: LayerSpec) -> tuple[str, dict[str, Any]]:
    if isinstance(spec, str):
        return spec.casefold(), {}
    name, arguments = spec
    return str(name).casefold(), dict(arguments)
