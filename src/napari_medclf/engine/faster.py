"""Swap layers for others that compute the same in less time on a CPU."""

from __future__ import annotations

from typing import Any, TypeVar

import torch
from torch import nn

from napari_medclf.engine.quick_layers import BlockwiseGroupNorm, SinglePatchConv3d, SinglePatchTransposed3d, triple

AnyNetwork = TypeVar("AnyNetwork", bound=nn.Module)


def make_faster(network: AnyNetwork) -> AnyNetwork:
    """Swap layers inside a network, in place; parameters and their names stay.

    Notes
    -----
    `quick_layers` says what was measured. Only layers of torch's very own classes are swapped, so that a network of
    another maker that changed one keeps it.
    """
    swapped: dict[nn.Module, nn.Module] = {}  # a layer that two parts share stays one layer
    for parent in list(network.modules()):
        for name, layer in list(parent._modules.items()):  # noqa: SLF001  (its children() leaves out second names)
            if layer is None:
                continue
            if layer not in swapped:
                swapped[layer] = _swap(layer).train(layer.training)
            if swapped[layer] is not layer:
                setattr(parent, name, swapped[layer])
    return network


def place_for_use(network: AnyNetwork, device: torch.device, spatial_dims: int, *, is_half: bool = False) -> AnyNetwork:
    """Move a trained network to where it runs, in the memory layout that is fastest there.

    Parameters
    ----------
    is_half : bool
        Whether it computes in half precision: a GPU's tensor cores want channels last (NVIDIA's Deep Learning
        Performance guide, "Tensor layouts").

    Notes
    -----
    Channels last took 0.6-0.85 of the time of torch's default layout for our U-Nets on one core of a
    Zen 3, in 2D and 3D. A network that sees volumes through 2D layers keeps torch's layout: the one for
    volumes does not suit their weights.
    """
    is_mixed = spatial_dims == 3 and any(weight.dim() == 4 for weight in network.parameters())
    if is_mixed or (device.type != "cpu" and not is_half):
        return network.to(device)
    layout = torch.channels_last if spatial_dims == 2 else torch.channels_last_3d
    network.to(device=device, memory_format=layout)  # type: ignore[call-overload]  # torch 2.13's signatures leave this form out
    return network


def _swap(layer: nn.Module) -> nn.Module:
    if type(layer) in (nn.InstanceNorm2d, nn.InstanceNorm3d):
        return _as_group_norm(layer)
    if type(layer) is nn.GroupNorm:
        return _as_blockwise(layer, layer.num_groups)
    if type(layer) is nn.Conv3d and layer.padding_mode == "zeros" and not isinstance(layer.padding, str):
        return _as_single_patch(SinglePatchConv3d, layer)
    if type(layer) is nn.ConvTranspose3d:
        return _as_single_patch(SinglePatchTransposed3d, layer)
    return layer


def _as_group_norm(layer: nn.Module) -> nn.Module:
    assert isinstance(layer, (nn.InstanceNorm2d, nn.InstanceNorm3d))
    if layer.track_running_stats:  # in evaluation these normalise by what they remember
        return layer
    return _as_blockwise(layer, layer.num_features)


def _as_blockwise(layer: nn.InstanceNorm2d | nn.InstanceNorm3d | nn.GroupNorm, n_groups: int) -> nn.Module:
    n_channels = layer.num_channels if isinstance(layer, nn.GroupNorm) else layer.num_features
    norm = BlockwiseGroupNorm(n_groups, n_channels, eps=layer.eps, affine=layer.affine)
    if layer.affine:
        norm.weight, norm.bias = layer.weight, layer.bias
    return norm


def _as_single_patch(kind: type[SinglePatchConv3d | SinglePatchTransposed3d], layer: nn.Module) -> nn.Module:
    assert isinstance(layer, (nn.Conv3d, nn.ConvTranspose3d))
    assert not isinstance(layer.padding, str)
    names = ("kernel_size", "stride", "padding", "dilation")
    sizes: dict[str, Any] = {name: triple(getattr(layer, name)) for name in names}
    if isinstance(layer, nn.ConvTranspose3d):
        sizes["output_padding"] = triple(layer.output_padding)
    with torch.device("meta"):  # the parameters are taken over, so that none are made
        conv = kind(layer.in_channels, layer.out_channels, groups=layer.groups, bias=layer.bias is not None, **sizes)
    conv.weight, conv.bias = layer.weight, layer.bias
    return conv
