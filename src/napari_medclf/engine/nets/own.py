"""Networks of this package that MONAI does not have, by the names that cards give them."""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

from napari_medclf.engine.classic.classifier import ClassicClassifier
from napari_medclf.engine.classic.pixel_forest import PixelForest
from napari_medclf.engine.nets.acs import ACSResNet
from napari_medclf.engine.nets.click_unet import ClickUNet
from napari_medclf.engine.nets.cnn_rnn import CNNRNN
from napari_medclf.engine.nets.committee import Committee
from napari_medclf.engine.nets.convnext import ConvNeXt
from napari_medclf.engine.nets.cspnet import CSPNet
from napari_medclf.engine.nets.efficientnet import EfficientNet
from napari_medclf.engine.nets.multi_view import MultiView
from napari_medclf.engine.nets.region_graph import RegionGraph
from napari_medclf.engine.nets.residual_unet import ResidualUNet
from napari_medclf.engine.nets.retina_detector import RetinaDetector
from napari_medclf.engine.nets.vgg import VGG

_NETWORKS = (
    ACSResNet,
    ClassicClassifier,
    ClickUNet,
    CNNRNN,
    Committee,
    ConvNeXt,
    CSPNet,
    EfficientNet,
    MultiView,
    PixelForest,
    RegionGraph,
    ResidualUNet,
    RetinaDetector,
    VGG,
)

OWN: dict[str, Callable[..., nn.Module]] = {
    f"napari_medclf.engine.nets.{network.__name__}": network for network in _NETWORKS
}
"""Full name to network."""
