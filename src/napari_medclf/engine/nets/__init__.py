"""Twins of MONAI's networks that need torch alone: same parameters, same names, same output.

The class names, argument names and state-dict keys are MONAI's (Apache-2.0), so that weights go both
ways; a test holds them equal to the installed MONAI.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

from napari_medclf.engine.nets.basic_unet import BasicUNet
from napari_medclf.engine.nets.densenet import DenseNet, densenet121
from napari_medclf.engine.nets.layers import NotSupported
from napari_medclf.engine.nets.resnet import ResNet
from napari_medclf.engine.nets.unet import UNet
from napari_medclf.engine.nets.vit import ViT

__all__ = ["TWINS", "NotSupported"]

TWINS: dict[str, Callable[..., nn.Module]] = {
    "BasicUNet": BasicUNet,
    "DenseNet": DenseNet,
    "DenseNet121": densenet121,
    "ResNet": ResNet,
    "UNet": UNet,
    "ViT": ViT,
}
"""MONAI's class name to the twin; one that meets an argument it does not know raises `NotSupported`."""
