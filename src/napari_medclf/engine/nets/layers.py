"""Layers by dimension and by MONAI's names for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import nn

LayerSpec = str | tuple[str, dict[str, Any]] | list[Any]
"""A name, or a pair of name and arguments, as MONAI writes layers (a list where it comes from JSON)."""

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


def _split(spec: LayerSpec) -> tuple[str, dict[str, Any]]:
    if isinstance(spec, str):
        return spec.casefold(), {}
    name, arguments = spec
    return str(name).casefold(), dict(arguments)
