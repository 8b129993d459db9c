"""Networks of other people's weights that MONAI does not have, by the names that cards give them."""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

from napari_medclf.engine.nets.linear_unet import LinearUNet
from napari_medclf.engine.nets.meshnet import MeshNet
from napari_medclf.engine.nets.pooled_cnn import PooledCNN
from napari_medclf.engine.nets.wnet import WNet

THIRD_PARTY: dict[str, Callable[..., nn.Module]] = {
    f"napari_medclf.engine.nets.{network.__name__}": network for network in (LinearUNet, MeshNet, PooledCNN, WNet)
}
"""Full name to network."""
