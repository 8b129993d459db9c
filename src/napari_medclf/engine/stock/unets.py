"""What the weights of MONAI's U-Nets give away about their arguments."""

from __future__ import annotations

from typing import Any

from napari_medclf.engine.stock.names import Names


def basic_unet(names: Names) -> dict[str, Any]:
    """Arguments of ``BasicUNet``; raises KeyError where it is another network."""
    first = "conv_0.conv_0.conv.weight"
    levels = [names.outputs(f"down_{level}.convs.conv_0.conv.weight") for level in range(1, 5)]
    return {
        "spatial_dims": names.dims(first),
        "in_channels": names.inputs(first),
        "out_channels": names.outputs("final_conv.weight"),
        "features": [names.outputs(first), *levels, names.outputs("upcat_1.convs.conv_0.conv.weight")],
        "norm": names.norm(r"conv_0\.conv_0\.adn\.N\."),
        "bias": "conv_0.conv_0.conv.bias" in names,
        "upsample": "deconv" if "upcat_4.upsample.deconv.weight" in names else "nontrainable",
    }


def unet(names: Names) -> dict[str, Any]:
    """Arguments of ``UNet``; a stride is 2 wherever the weights do not show that it is 1."""
    n_levels = next(n for n in range(1, 20) if not names.has(_down(n) + r"conv\..*weight"))
    downs = [_down(level).replace("\\", "") for level in range(n_levels)]
    units = max(names.count(r"model\.0\.conv\.unit(\d+)\."), 0)
    inner = "conv.unit0.conv.weight" if units else "conv.weight"
    bottom = f"model.{'1.submodule.' * n_levels}"
    firsts = [f"{down}{inner}" for down in downs]
    transposed = "model.2.0.conv.weight" if units else "model.2.conv.weight"
    strides = [1 if _is_stride_one(names, down) else 2 for down in downs]
    return {
        "spatial_dims": names.dims(firsts[0]),
        "in_channels": names.inputs(firsts[0]),
        "out_channels": names.inputs(transposed),
        "channels": [*(names.outputs(key) for key in firsts), names.outputs(f"{bottom}{inner}")],
        "strides": strides,
        "kernel_size": names.shape(firsts[0])[-1],
        "up_kernel_size": names.shape(transposed)[-1],
        "num_res_units": units,
        "norm": "batch"
        if names.has(r"model\.0\..*running_mean")
        else _instance(names, r"model\.0\.(.*\.)?adn\.N\.weight"),
        "bias": firsts[0].removesuffix("weight") + "bias" in names,
    }


def dyn_unet(names: Names) -> dict[str, Any]:
    """Arguments of ``DynUNet``; strides are the kernels of the upsampling, as nnU-Net sets them."""
    n_down = names.count(r"downsamples\.(\d+)\.")
    blocks = ["input_block", *(f"downsamples.{n}" for n in range(n_down)), "bottleneck"]
    firsts = [f"{block}.conv1.conv.weight" for block in blocks]
    ups = [list(names.shape(f"upsamples.{n}.transp_conv.conv.weight")[2:]) for n in range(n_down + 1)]
    heads = names.count(r"deep_supervision_heads\.(\d+)\.")
    return {
        "spatial_dims": names.dims(firsts[0]),
        "in_channels": names.inputs(firsts[0]),
        "out_channels": names.outputs("output_block.conv.conv.weight"),
        "kernel_size": [list(names.shape(key)[2:]) for key in firsts],
        "strides": [[1] * names.dims(firsts[0]), *reversed(ups)],
        "upsample_kernel_size": list(reversed(ups)),
        "filters": [names.outputs(key) for key in firsts],
        "norm_name": names.norm(r"input_block\.norm1\."),
        "deep_supervision": heads > 0,
        "deep_supr_num": max(heads, 1),
        "res_block": names.has(r"input_block\.(conv3|downsample)"),
        "trans_bias": "upsamples.0.transp_conv.conv.bias" in names,
    }


def seg_resnet(names: Names) -> dict[str, Any]:
    """Arguments of ``SegResNet``; its group normalisation has 8 groups unless a card says otherwise."""
    first = "convInit.conv.weight"
    n_down, n_up = names.count(r"down_layers\.(\d+)\."), names.count(r"up_layers\.(\d+)\.")
    final = names.first(r"conv_final\.\d+\.conv\.weight")
    return {
        "spatial_dims": names.dims(first),
        "init_filters": names.outputs(first),
        "in_channels": names.inputs(first),
        "out_channels": names.outputs(final),
        "blocks_down": [_count_blocks(names, level) for level in range(n_down)],
        "blocks_up": [names.count(rf"up_layers\.{level}\.(\d+)\.") for level in range(n_up)],
        "upsample_mode": "deconv" if names.has(r"up_samples\.0\.1\.deconv") else "nontrainable",
    }


def _count_blocks(names: Names, level: int) -> int:
    """A level begins with what stores no block: an identity at the top, the strided convolution below."""
    return sum(f"down_layers.{level}.{n}.conv1.conv.weight" in names for n in range(1, 20))


def _down(level: int) -> str:
    return r"model\." + r"1\.submodule\." * level + r"0\."


def _is_stride_one(names: Names, down: str) -> bool:
    residual = f"{down}residual.weight"
    return residual in names and names.shape(residual)[-1] == 1


def _instance(names: Names, pattern: str) -> tuple[str, dict[str, bool]]:
    return ("instance", {"affine": names.has(pattern)})
