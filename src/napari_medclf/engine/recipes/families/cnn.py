"""Convolutional networks that see a whole picture or volume."""

from __future__ import annotations

from functools import partial
from typing import Any

from napari_medclf.domain.card import Task
from napari_medclf.domain.recipe import OptimiserSettings, Recipe
from napari_medclf.engine.recipes.family import RecipeFamily
from napari_medclf.engine.recipes.inputs import whole_image
from napari_medclf.engine.recipes.look import DataLook
from napari_medclf.engine.recipes.outputs import n_outputs
from napari_medclf.engine.recipes.training import is_small, train_whole

_OURS = "napari_medclf.engine.nets"
_MONAIS = "monai.networks.nets"
_WHOLE = (Task.CLASSIFY, Task.REGRESS)
_SHORTEST_VOX = {2: 64, 3: 32}
"""Networks that halve five times need so much along every axis, or nothing is left to look at."""


def _plan_vgg(look: DataLook, channels: list[int], convolutions: list[int]) -> Recipe:
    spec = whole_image(look)
    arguments = {
        "spatial_dims": spec.spatial_dims,
        "in_channels": len(spec.channels),
        "out_channels": n_outputs(look.task, look.schema),
        "channels": channels,
        "convolutions": convolutions,
        "dropout": 0.2,
    }
    return train_whole(look, spec, f"{_OURS}.VGG", arguments)


def _plan_resnet(look: DataLook, block: str, layers: list[int]) -> Recipe:
    spec = whole_image(look)
    is_kept = is_small(spec) and spec.spatial_dims == 2
    arguments = {
        "block": block,
        "layers": layers,
        "block_inplanes": [64, 128, 256, 512],
        "spatial_dims": spec.spatial_dims,
        "n_input_channels": len(spec.channels),
        "num_classes": n_outputs(look.task, look.schema),
        "conv1_t_size": 3 if is_small(spec) else 7,
        "conv1_t_stride": 1 if is_kept else 2,
        "no_max_pool": is_small(spec),
    }
    return train_whole(look, spec, f"{_MONAIS}.ResNet", arguments, optimiser=_GENTLE)


def _plan_densenet(look: DataLook) -> Recipe:
    spec = whole_image(look, shortest_vox=_SHORTEST_VOX[look.spatial_dims])
    arguments = {
        "spatial_dims": spec.spatial_dims,
        "in_channels": len(spec.channels),
        "out_channels": n_outputs(look.task, look.schema),
    }
    return train_whole(look, spec, f"{_MONAIS}.DenseNet121", arguments, optimiser=_GENTLE, batch=16)


def _plan_efficientnet(look: DataLook) -> Recipe:
    spec = whole_image(look, shortest_vox=_SHORTEST_VOX[look.spatial_dims])
    arguments = {
        "spatial_dims": spec.spatial_dims,
        "in_channels": len(spec.channels),
        "out_channels": n_outputs(look.task, look.schema),
        "model_name": "efficientnet-b0",
    }
    return train_whole(look, spec, f"{_OURS}.EfficientNet", arguments, optimiser=_GENTLE, batch=16)


def _plan_cspnet(look: DataLook) -> Recipe:
    spec = whole_image(look)
    arguments = {
        "spatial_dims": spec.spatial_dims,
        "in_channels": len(spec.channels),
        "out_channels": n_outputs(look.task, look.schema),
        "channels": [32, 64, 128, 256],
        "blocks": [1, 1, 2, 1],
        "stem_stride": 1 if is_small(spec) else 2,
    }
    return train_whole(look, spec, f"{_OURS}.CSPNet", arguments)


def _plan_convnext(look: DataLook) -> Recipe:
    spec = whole_image(look)
    arguments: dict[str, Any] = {
        "spatial_dims": spec.spatial_dims,
        "in_channels": len(spec.channels),
        "out_channels": n_outputs(look.task, look.schema),
        "channels": [40, 80, 160, 320],
        "blocks": [2, 2, 4, 2],
        "patch": 2 if is_small(spec) else 4,
        "kernel": 7 if spec.spatial_dims == 2 else 5,
        # Training is short, and a scale of 1e-6 would hardly leave its start.
        "layer_scale": 0.1,
    }
    if is_small(spec):  # two halvings fewer: the deepest stage would see single voxels
        arguments |= {"channels": [40, 80, 160], "blocks": [2, 2, 4]}
    return train_whole(look, spec, f"{_OURS}.ConvNeXt", arguments, optimiser=_GENTLE)


_GENTLE = OptimiserSettings(lr=1e-3, weight_decay=0.05)
_DEPTHS = {"resnet18": [2, 2, 2, 2], "resnet34": [3, 4, 6, 3], "resnet50": [3, 4, 6, 3]}
_RESNET_ARGUMENTS = {
    "layers": "blocks of each of the four stages",
    "block_inplanes": "channels of each stage",
    "no_max_pool": "whether the size is kept at the start, for small images",
    "conv1_t_stride": "of the first convolution; 1 keeps small volumes large, at eight times the work",
}
_STAGE_ARGUMENTS = {"channels": "channels of each stage", "blocks": "blocks of each stage"}


def _resnet(name: str, summary: str) -> RecipeFamily:
    block = "bottleneck" if name == "resnet50" else "basic"
    return RecipeFamily(
        name,
        f"ResNet-{name.removeprefix('resnet')}",
        _WHOLE,
        (2, 3),
        summary,
        partial(_plan_resnet, block=block, layers=_DEPTHS[name]),
        "He 2016, Deep residual learning for image recognition; Hara 2018 for volumes",
        _RESNET_ARGUMENTS,
    )


FAMILIES = (
    RecipeFamily(
        "small-cnn",
        "Small plain CNN",
        _WHOLE,
        (2, 3),
        "Four stages of plain convolutions and halvings: the textbook's network, a floor that others have to beat.",
        partial(_plan_vgg, channels=[16, 32, 64, 128], convolutions=[1, 1, 1, 1]),
        "LeCun 1998, Gradient-based learning applied to document recognition",
        {"channels": "channels of each stage", "convolutions": "convolutions of each stage"},
    ),
    RecipeFamily(
        "vgg11",
        "VGG-11",
        _WHOLE,
        (2, 3),
        "A long row of small convolutions. Many weights for what it does; here for comparison, and for saliency maps "
        "that are easy to read.",
        partial(_plan_vgg, channels=[64, 128, 256, 512, 512], convolutions=[1, 1, 2, 2, 2]),
        "Simonyan 2015, Very deep convolutional networks for large-scale image recognition",
        {"channels": "channels of each stage", "convolutions": "convolutions of each stage"},
    ),
    _resnet("resnet18", "The standard that papers compare with; start here where a GPU or some hours are at hand."),
    _resnet("resnet34", "Twice as deep as ResNet-18; for thousands of images."),
    _resnet("resnet50", "Blocks of three convolutions, 23 million weights in 2D; for many thousand images and a GPU."),
    RecipeFamily(
        "densenet121",
        "DenseNet-121",
        _WHOLE,
        (2, 3),
        "Every layer sees all layers before it: few weights, much memory. The classic choice for chest X-rays.",
        _plan_densenet,
        "Huang 2017, Densely connected convolutional networks",
    ),
    RecipeFamily(
        "efficientnet-b0",
        "EfficientNet-B0",
        _WHOLE,
        (2, 3),
        "Depth, width and size in balance, with attention to channels: four million weights in 2D.",
        _plan_efficientnet,
        "Tan 2019, EfficientNet: rethinking model scaling for convolutional neural networks",
        {"model_name": "efficientnet-b0 to efficientnet-b7"},
    ),
    RecipeFamily(
        "cspnet",
        "CSPNet",
        _WHOLE,
        (2, 3),
        "Half of the channels go past the blocks of a stage (Cross Stage Partial): a residual network for less work.",
        _plan_cspnet,
        "Wang 2020, CSPNet: a new backbone that can enhance learning capability of CNN",
        _STAGE_ARGUMENTS,
    ),
    RecipeFamily(
        "convnext",
        "ConvNeXt (small)",
        _WHOLE,
        (2, 3),
        "Large convolutions, one a channel, in blocks like a transformer's. Wants more images than a residual network.",
        _plan_convnext,
        "Liu 2022, A ConvNet for the 2020s",
        {**_STAGE_ARGUMENTS, "kernel": "side of the large convolutions", "patch": "side of the first layer's patches"},
    ),
)
