"""Plans of nnU-Net v2.0 to v2.3 name their network in another way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from napari_medclf.domain.errors import CardError

_BLOCKS = {"PlainConvUNet": "n_conv_per_stage", "ResidualEncoderUNet": "n_blocks_per_stage"}


def modernise(configuration: Mapping[str, Any]) -> dict[str, Any]:
    """Give a configuration the entry ``architecture``, where it has none.

    Raises
    ------
    CardError
        If its network is not one of nnU-Net's own.

    Notes
    -----
    The same translation as ``ConfigurationManager`` of nnunetv2 2.8 makes.
    """
    if "architecture" in configuration:
        return dict(configuration)
    name = configuration["UNet_class_name"]
    if name not in _BLOCKS:
        raise CardError(f"its network {name!r} is not known; known are {', '.join(_BLOCKS)}.")
    blocks = list(configuration["n_conv_per_stage_encoder"])
    dims = len(configuration["patch_size"])
    first, most = configuration["UNet_base_num_features"], configuration["unet_max_num_features"]
    arguments = {
        "n_stages": len(blocks),
        "features_per_stage": [min(first * 2**stage, most) for stage in range(len(blocks))],
        "conv_op": f"torch.nn.modules.conv.Conv{dims}d",
        "kernel_sizes": configuration["conv_kernel_sizes"],
        "strides": configuration["pool_op_kernel_sizes"],
        _BLOCKS[name]: blocks,
        "n_conv_per_stage_decoder": configuration["n_conv_per_stage_decoder"],
        "conv_bias": True,
        "norm_op": f"torch.nn.modules.instancenorm.InstanceNorm{dims}d",
        "norm_op_kwargs": {"eps": 1e-05, "affine": True},
        "dropout_op": None,
        "dropout_op_kwargs": None,
        "nonlin": "torch.nn.LeakyReLU",
        "nonlin_kwargs": {"inplace": True},
    }
    return {**configuration, "architecture": {"network_class_name": name, "arch_kwargs": arguments}}
