"""A ResNet with a feature pyramid on top (Lin 2017), as MONAI makes it, without the need for torchvision."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import cast

from torch import Tensor, nn

from napari_medclf.domain.errors import CardError

_N_FEATURES = 256
_N_STAGES = 4


class ResNetFpn(nn.Module):
    """Feature maps of a ResNet's stages, and of one level above, with equally many channels.

    Parameter names are those of MONAI's ``BackboneWithFPN``, so that its weights fit.

    Parameters
    ----------
    backbone : nn.Module
        ``monai.networks.nets.ResNet``.
    returned_layers : sequence of int
        Stages (1 to 4) of which maps are made.
    n_features : int
        Channels of every map.
    """

    def __init__(
        self, backbone: nn.Module, spatial_dims: int, returned_layers: Sequence[int], n_features: int = _N_FEATURES
    ) -> None:
        from monai.networks.blocks.feature_pyramid_network import FeaturePyramidNetwork, LastLevelMaxPool

        super().__init__()
        if not returned_layers or not set(returned_layers) <= set(range(1, _N_STAGES + 1)):
            raise CardError(
                f"A ResNet has the stages 1 to {_N_STAGES}; features of {list(returned_layers)} are wanted."
            )
        self.body = _Stages(backbone, returned_layers)
        n_of_first = cast("int", backbone.in_planes) // 8
        self.fpn = FeaturePyramidNetwork(
            spatial_dims=spatial_dims,
            in_channels_list=[n_of_first * 2 ** (stage - 1) for stage in returned_layers],
            out_channels=n_features,
            extra_blocks=LastLevelMaxPool(spatial_dims),
        )
        self.out_channels = n_features  # RetinaNet asks for it

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """Make feature maps (N, 256, *level) of images (N, C, *spatial), the finest first."""
        maps: dict[str, Tensor] = self.fpn(self.body(x))
        return maps


class _Stages(nn.ModuleDict):
    """The layers of a network up to the last one whose output is wanted, run one after the other."""

    def __init__(self, backbone: nn.Module, returned_layers: Sequence[int]) -> None:
        last = f"layer{max(returned_layers)}"
        names = [name for name, _ in backbone.named_children()]
        kept = names[: names.index(last) + 1]
        super().__init__({name: getattr(backbone, name) for name in kept})
        self._wanted = {f"layer{stage}": str(n) for n, stage in enumerate(returned_layers)}

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        found: dict[str, Tensor] = OrderedDict()  # MONAI's pyramid asks for this very class
        for name, layer in self.items():
            x = layer(x)
            if name in self._wanted:
                found[self._wanted[name]] = x
        return found


def resnet_fpn_feature_extractor(
    backbone: nn.Module,
    spatial_dims: int,
    pretrained_backbone: bool = False,
    returned_layers: Sequence[int] = (1, 2, 3),
    trainable_backbone_layers: int | None = None,
) -> ResNetFpn:
    """Stand in for MONAI's function of this name, with its arguments; all layers can be trained."""
    return ResNetFpn(backbone, spatial_dims, tuple(returned_layers))
