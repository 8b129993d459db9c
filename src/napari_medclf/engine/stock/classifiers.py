"""What the weights of MONAI's classifiers give away about their arguments."""

from __future__ import annotations

from typing import Any

from napari_medclf.engine.stock.names import Names


def dense_net(names: Names) -> dict[str, Any]:
    """Arguments of ``DenseNet``; raises KeyError where it is another network."""
    first = "features.conv0.weight"
    blocks: list[int] = []
    while names.has(rf"features\.denseblock{len(blocks) + 1}\."):
        layers = rf"features\.denseblock{len(blocks) + 1}\.denselayer"
        blocks.append(next(n for n in range(200) if not names.has(rf"{layers}{n + 1}\.")))
    growth = names.outputs("features.denseblock1.denselayer1.layers.conv2.weight")
    return {
        "spatial_dims": names.dims(first),
        "in_channels": names.inputs(first),
        "out_channels": names.outputs("class_layers.out.weight"),
        "init_features": names.outputs(first),
        "growth_rate": growth,
        "bn_size": names.outputs("features.denseblock1.denselayer1.layers.conv1.weight") // growth,
        "block_config": blocks,
    }


def res_net(names: Names) -> dict[str, Any]:
    """Arguments of ``ResNet``; the stride of its first convolution is MONAI's unless a card says otherwise."""
    first, has_neck = "conv1.weight", "layer1.0.conv3.weight" in names
    shape = names.shape(first)
    return {
        "block": "bottleneck" if has_neck else "basic",
        "layers": [names.count(rf"layer{level}\.(\d+)\.") for level in range(1, 5)],
        "block_inplanes": [names.outputs(f"layer{level}.0.conv1.weight") for level in range(1, 5)],
        "spatial_dims": len(shape) - 2,
        "n_input_channels": names.inputs(first),
        "conv1_t_size": shape[2],
        "num_classes": names.outputs("fc.weight"),
        "bias_downsample": names.has(r"layer\d\.0\.downsample\.0\.bias"),
        "shortcut_type": "B" if names.has(r"layer\d\.0\.downsample\.") else "A",
    }
