"""A RetinaNet to train: MONAI's, on a small residual network with a feature pyramid (Lin 2017)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from torch import nn

from napari_medclf.engine.nets.resnet_fpn import ResNetFpn
from napari_medclf.engine.nets.retina_boxes import RetinaBoxes

_N_GROUPS = 8


class RetinaDetector(RetinaBoxes):
    """Find boxes in windows: (N, C, *spatial) to (N, anchors, classes + 2 * dims), as `RetinaBoxes` says.

    Parameters
    ----------
    spatial_dims : 2 or 3
    in_channels, out_channels : int
        Channels of the image, and kinds of objects.
    feature_map_scales, base_anchor_shapes
        The anchors: shapes in voxels, and how much larger they are at each level.
    n_channels : int
        Of the first of the four stages of the residual network; each further one has twice as many. A multiple of 8, as
        small batches want group norm.
    layers : sequence of int
        Blocks of each stage.
    n_features : int
        Channels of the pyramid.
    returned_layers : sequence of int
        Stages with a level in the pyramid; above them stands one more.
    """

    def __init__(
        self,
        spatial_dims: int,
        in_channels: int,
        out_channels: int,
        feature_map_scales: Sequence[float],
        base_anchor_shapes: Sequence[Sequence[float]],
        n_channels: int = 16,
        layers: Sequence[int] = (1, 1, 1, 1),
        n_features: int = 64,
        returned_layers: Sequence[int] = (2, 3),
    ) -> None:
        from monai.apps.detection.networks.retinanet_network import RetinaNet
        from monai.networks.nets import ResNet

        backbone = ResNet(
            "basic",
            list(layers),
            [n_channels * 2**stage for stage in range(len(layers))],
            spatial_dims=spatial_dims,
            n_input_channels=in_channels,
            conv1_t_size=5,
            conv1_t_stride=FIRST_STRIDE,
            norm=("group", {"num_groups": _N_GROUPS}),
        )
        backbone.maxpool = nn.Identity()  # the pyramid runs all layers in turn, also those that no_max_pool skips
        pyramid = ResNetFpn(backbone, spatial_dims, tuple(returned_layers), n_features)
        network = RetinaNet(
            spatial_dims=spatial_dims,
            num_classes=out_channels,
            num_anchors=len(base_anchor_shapes),
            feature_extractor=pyramid,
            size_divisible=max(strides_of(returned_layers)),
        )
        super().__init__(cast("nn.Module", network), feature_map_scales, base_anchor_shapes)


FIRST_STRIDE = 2
"""Of the first layer, on whose grid the first stage stays."""


def strides_of(returned_layers: Sequence[int]) -> tuple[int, ...]:
    """Say how many voxels one step is on each level of the pyramid, the finest first.

    >>> strides_of((2, 3))
    (4, 8, 16)
    """
    strides = [FIRST_STRIDE * 2 ** (stage - 1) for stage in returned_layers]
    return (*strides, 2 * strides[-1])
