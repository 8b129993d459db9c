"""Networks that outline structures on patches, beside the U-Net that is planned when nobody chooses."""

from __future__ import annotations

from typing import Any

from napari_medclf.domain.card import Task
from napari_medclf.domain.recipe import LossSettings, OptimiserSettings, Recipe
from napari_medclf.engine.recipes.family import RecipeFamily
from napari_medclf.engine.recipes.inputs import patches
from napari_medclf.engine.recipes.look import DataLook
from napari_medclf.engine.recipes.outputs import n_outputs
from napari_medclf.engine.recipes.training import train_patches

_MONAIS = "monai.networks.nets"
_OUTLINES = (Task.SEGMENT, Task.INSTANCES)
_DIVISOR = 16
"""A network of five levels halves its input four times."""
_GENTLE = OptimiserSettings(lr=1e-3, weight_decay=0.02)


def _plan_res_unet(look: DataLook) -> Recipe:
    spec = patches(look, _DIVISOR)
    arguments = {
        "spatial_dims": spec.spatial_dims,
        "in_channels": len(spec.channels),
        "out_channels": n_outputs(look.task, look.schema),
        "channels": [16, 32, 64, 96, 128],
        "strides": [1, 2, 2, 2, 2],
        "blocks": [1, 2, 2, 2, 2],
        "is_deeply_supervised": True,
    }
    loss = LossSettings(is_deeply_supervised=True)
    return train_patches(look, spec, "napari_medclf.engine.nets.ResidualUNet", arguments, loss=loss)


def _plan_attention_unet(look: DataLook) -> Recipe:
    spec = patches(look, _DIVISOR)
    arguments = {**_common(look), "channels": [16, 32, 64, 128, 160], "strides": [2, 2, 2, 2]}
    return train_patches(look, spec, f"{_MONAIS}.AttentionUnet", arguments, optimiser=_GENTLE)


def _plan_unet_plus_plus(look: DataLook) -> Recipe:
    spec = patches(look, _DIVISOR)
    arguments = {**_common(look), "features": [16, 16, 32, 64, 96, 16]}
    return train_patches(look, spec, f"{_MONAIS}.BasicUNetPlusPlus", arguments)


def _plan_segresnet(look: DataLook) -> Recipe:
    spec = patches(look, _DIVISOR)
    arguments = {
        **_common(look),
        "init_filters": 16,
        "blocks_down": [1, 2, 2, 2, 2],
        "blocks_up": [1, 1, 1, 1],
        "dropout_prob": 0.1,
    }
    return train_patches(look, spec, f"{_MONAIS}.SegResNet", arguments, optimiser=_GENTLE)


def _common(look: DataLook) -> dict[str, Any]:
    return {
        "spatial_dims": look.spatial_dims,
        "in_channels": len(look.channels),
        "out_channels": n_outputs(look.task, look.schema),
    }


FAMILIES = (
    RecipeFamily(
        "res-unet",
        "Residual-encoder U-Net",
        _OUTLINES,
        (2, 3),
        "Residual blocks on the way down, and answers on every scale while it learns (deep supervision). Larger "
        "than the U-Net, for where that is not enough.",
        _plan_res_unet,
        "Isensee 2024, nnU-Net revisited; Lee 2015, Deeply-supervised nets",
        {
            "channels": "channels of each level, the top first",
            "strides": "halving into each level; one number, or one an axis",
            "blocks": "residual blocks of each level",
            "is_deeply_supervised": "whether lower levels answer while it learns",
        },
    ),
    RecipeFamily(
        "attention-unet",
        "Attention U-Net",
        _OUTLINES,
        (2, 3),
        "Gates weigh what the encoder hands over, so that small organs stand out of a large image.",
        _plan_attention_unet,
        "Oktay 2018, Attention U-Net: learning where to look for the pancreas",
        {"channels": "channels of each level, the top first", "strides": "halving into each level but the top"},
    ),
    RecipeFamily(
        "unet-plus-plus",
        "U-Net++",
        _OUTLINES,
        (2, 3),
        "Dense bridges between the two arms of a U-Net, meant for fine structures; slower.",
        _plan_unet_plus_plus,
        "Zhou 2018, UNet++: a nested U-Net architecture for medical image segmentation",
        {"features": "channels of the five levels, the top first, and of the last block"},
    ),
    RecipeFamily(
        "segresnet",
        "SegResNet",
        _OUTLINES,
        (2, 3),
        "A deep residual encoder with a light decoder; won the brain tumour challenge of 2018.",
        _plan_segresnet,
        "Myronenko 2018, 3D MRI brain tumor segmentation using autoencoder regularization",
        {
            "init_filters": "channels of the first level; a multiple of 8",
            "blocks_down": "blocks of each level on the way down",
            "dropout_prob": "part of the features that is left out in training",
        },
    ),
)
