"""Build the networks that nnU-Net's plans describe, from a list of names; nothing the plans name is imported."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from torch import nn

from napari_medclf.domain.errors import CardError, unknown_choice
from napari_medclf.engine.nets.conv_blocks import BlockKinds
from napari_medclf.engine.nets.plain_conv_unet import PlainConvUNet
from napari_medclf.engine.nets.residual_encoder_unet import ResidualEncoderUNet

_Makers = Mapping[str, Callable[..., nn.Module]]
_NETWORKS: _Makers = {"PlainConvUNet": PlainConvUNet, "ResidualEncoderUNet": ResidualEncoderUNet}
_NORMS: _Makers = {
    "InstanceNorm2d": nn.InstanceNorm2d,
    "InstanceNorm3d": nn.InstanceNorm3d,
    "BatchNorm2d": nn.BatchNorm2d,
    "BatchNorm3d": nn.BatchNorm3d,
}
_DROPOUTS: _Makers = {"Dropout": nn.Dropout, "Dropout2d": nn.Dropout2d, "Dropout3d": nn.Dropout3d}
_NONLINS: _Makers = {
    "LeakyReLU": nn.LeakyReLU,
    "ReLU": nn.ReLU,
    "PReLU": nn.PReLU,
    "ELU": nn.ELU,
    "GELU": nn.GELU,
    "SiLU": nn.SiLU,
}
_DIMS = {"Conv2d": 2, "Conv3d": 3}
# What describes the blocks, and not how they are put together.
_OF_BLOCKS = (
    "conv_op",
    "conv_bias",
    "norm_op",
    "norm_op_kwargs",
    "dropout_op",
    "dropout_op_kwargs",
    "nonlin",
    "nonlin_kwargs",
    "nonlin_first",
    "deep_supervision",
    "block",
)


def build_from_plans(target: str, arguments: Mapping[str, Any], n_inputs: int, n_outputs: int) -> nn.Module:
    """Make an untrained network.

    Parameters
    ----------
    target : str
        The plans' ``network_class_name``.
    arguments : dict
        The plans' ``arch_kwargs``: plain numbers, and names of torch's layers.

    Raises
    ------
    CardError
        If a name is not on the list, or an argument does not fit.
    """
    name = target.rpartition(".")[2]
    if name not in _NETWORKS:
        raise CardError(unknown_choice("nnU-Net network", name, _NETWORKS))
    shape = {key: value for key, value in arguments.items() if key not in _OF_BLOCKS}
    if "BottleneckD" not in str(arguments.get("block", "")):
        shape.pop("bottleneck_channels", None)
    try:
        return _NETWORKS[name](read_kinds(arguments), n_inputs, n_outputs, **shape)
    except (TypeError, ValueError, IndexError, KeyError, RuntimeError, AttributeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise CardError(f"The network {name} of the plans cannot be built: {reason}.") from error


def read_kinds(arguments: Mapping[str, Any]) -> BlockKinds:
    """Say of what the blocks are made.

    Raises
    ------
    CardError
        If a layer is not on the list.
    """
    norm = _find("normalisation", arguments.get("norm_op"), _NORMS)
    dropout = _find("dropout", arguments.get("dropout_op"), _DROPOUTS)
    nonlin = _find("activation", arguments.get("nonlin"), _NONLINS)
    return BlockKinds(
        spatial_dims=_read_dims(arguments.get("conv_op")),
        has_bias=bool(arguments.get("conv_bias", False)),
        norm=norm,
        norm_arguments=arguments.get("norm_op_kwargs") or {},
        dropout=dropout,
        dropout_arguments=arguments.get("dropout_op_kwargs") or {},
        nonlin=nonlin,
        nonlin_arguments=arguments.get("nonlin_kwargs") or {},
        is_nonlin_first=bool(arguments.get("nonlin_first", False)),
    )


def _read_dims(name: object) -> int:
    plain = _plain(name)
    if plain not in _DIMS:
        raise CardError(unknown_choice("convolution", plain, _DIMS))
    return _DIMS[plain]


def _find(kind: str, name: object, known: _Makers) -> Callable[..., nn.Module] | None:
    if name is None:
        return None
    plain = _plain(name)
    if plain not in known:
        raise CardError(unknown_choice(kind, plain, known))
    return known[plain]


def _plain(name: object) -> str:
    """Take a layer's own name where it is one of torch's."""
    module, _, plain = str(name).rpartition(".")
    return plain if module == "torch.nn" or module.startswith("torch.nn.modules.") else str(name)
