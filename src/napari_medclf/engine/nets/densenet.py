"""The twin of ``monai.networks.nets.DenseNet`` (Huang 2017)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from napari_medclf.engine.nets.layers import (
    CONVOLUTION,
    MAX_POOL,
    MEAN_POOL,
    LayerSpec,
    NotSupported,
    check_dims,
    make_activation,
    make_norm,
    named,
)

_RELU: LayerSpec = ("relu", {"inplace": True})
_MEAN_POOL_BY_TWO = {2: nn.AvgPool2d, 3: nn.AvgPool3d}
_NORMS = (nn.BatchNorm2d, nn.BatchNorm3d)


class DenseNet(nn.Module):
    """See MONAI's.

    Parameters
    ----------
    init_features : int
        Channels of the first convolution.
    growth_rate : int
        Channels that each layer adds.
    block_config : sequence of int
        Layers of each block.
    bn_size : int
        Channels of a bottleneck, in growth rates.
    """

    def __init__(
        self,
        spatial_dims: int,
        in_channels: int,
        out_channels: int,
        init_features: int = 64,
        growth_rate: int = 32,
        block_config: Sequence[int] = (6, 12, 24, 16),
        bn_size: int = 4,
        act: LayerSpec = _RELU,
        norm: LayerSpec = "batch",
        dropout_prob: float = 0.0,
    ) -> None:
        super().__init__()
        check_dims(spatial_dims)
        make = _Maker(spatial_dims, act, norm)
        self.features = named(
            conv0=make.convolution(in_channels, init_features, 7, stride=2, padding=3),
            norm0=make.norm(init_features),
            relu0=make.activation(),
            pool0=MAX_POOL[spatial_dims](kernel_size=3, stride=2, padding=1),
        )
        n = init_features
        for number, n_layers in enumerate(block_config, start=1):
            layers = [
                _DenseLayer(make, n + index * growth_rate, growth_rate, bn_size, dropout_prob)
                for index in range(n_layers)
            ]
            block = named(**{f"denselayer{index}": layer for index, layer in enumerate(layers, start=1)})
            self.features.add_module(f"denseblock{number}", block)
            n += n_layers * growth_rate
            if number == len(block_config):
                self.features.add_module("norm5", make.norm(n))
            else:
                self.features.add_module(f"transition{number}", make.transition(n))
                n //= 2
        self.class_layers = named(
            relu=make.activation(),
            pool=MEAN_POOL[spatial_dims](1),
            flatten=nn.Flatten(1),
            out=nn.Linear(n, out_channels),
        )
        self._initialise()

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (N, out_channels)."""
        logits: Tensor = self.class_layers(self.features(x))
        return logits

    def _initialise(self) -> None:
        for module in self.modules():
            if isinstance(module, (nn.Conv2d, nn.Conv3d)):
                nn.init.kaiming_normal_(module.weight)
            elif isinstance(module, _NORMS) and module.affine:
                nn.init.constant_(module.weight, 1)
                nn.init.constant_(module.bias, 0)
            elif isinstance(module, nn.Linear):
                nn.init.constant_(module.bias, 0)


class _Maker:
    """Makes the layers of one network."""

    def __init__(self, spatial_dims: int, act: LayerSpec, norm: LayerSpec) -> None:
        self.spatial_dims = spatial_dims
        self._act = act
        self._norm = norm

    def convolution(self, n_in: int, n_out: int, size: int, *, stride: int = 1, padding: int = 0) -> nn.Module:
        """Make a convolution without bias."""
        return CONVOLUTION[self.spatial_dims](n_in, n_out, size, stride=stride, padding=padding, bias=False)

    def norm(self, n: int) -> nn.Module:
        """Make a normalisation."""
        return make_norm(self._norm, self.spatial_dims, n)

    def activation(self) -> nn.Module:
        """Make an activation."""
        return make_activation(self._act)

    def transition(self, n: int) -> nn.Module:
        """Halve the channels and the size."""
        return named(
            norm=self.norm(n),
            relu=self.activation(),
            conv=self.convolution(n, n // 2, 1),
            pool=_MEAN_POOL_BY_TWO[self.spatial_dims](kernel_size=2, stride=2),
        )


class _DenseLayer(nn.Module):
    """A bottleneck and a convolution, whose result is put behind what came in."""

    def __init__(self, make: _Maker, n_in: int, growth_rate: int, bn_size: int, dropout_prob: float) -> None:
        super().__init__()
        n_between = bn_size * growth_rate
        self.layers = named(
            norm1=make.norm(n_in),
            relu1=make.activation(),
            conv1=make.convolution(n_in, n_between, 1),
            norm2=make.norm(n_between),
            relu2=make.activation(),
            conv2=make.convolution(n_between, growth_rate, 3, padding=1),
        )
        if dropout_prob > 0:
            dropout = nn.Dropout2d if make.spatial_dims == 2 else nn.Dropout3d
            self.layers.add_module("dropout", dropout(dropout_prob))

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([x, self.layers(x)], 1)


def densenet121(
    spatial_dims: int,
    in_channels: int,
    out_channels: int,
    init_features: int = 64,
    growth_rate: int = 32,
    block_config: Sequence[int] = (6, 12, 24, 16),
    pretrained: bool = False,
    progress: bool = True,
    **arguments: object,
) -> DenseNet:
    """Make the one with 121 layers, for which MONAI has a class; nothing is downloaded, nor progress of it shown."""
    if pretrained:
        raise NotSupported
    return DenseNet(spatial_dims, in_channels, out_channels, init_features, growth_rate, block_config, **arguments)  # type: ignore[arg-type]  # checked by DenseNet
