"""2D networks that see volumes, with no weight more (Yang 2021, Reinventing 2D convolutions for 3D images)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import conv3d

from napari_medclf.engine.nets.resnet import ResNet


class ACSConv(nn.Conv2d):
    """A 2D convolution on volumes: a third of its kernels lies in axial, coronal and sagittal planes each.

    The weights are those of the 2D convolution, under the same names and of the same shape.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Convolve (N, C, K, J, I)."""
        shares = (self.out_channels, 0, 0) if self.kernel_size == (1, 1) else view_shares(self.out_channels)
        weights = self.weight.split(shares)
        biases = (None,) * 3 if self.bias is None else self.bias.split(shares)
        answers = [
            self._convolve_in_plane(input, axis, weight, bias)
            for axis, (weight, bias) in enumerate(zip(weights, biases, strict=True))
            if len(weight)
        ]
        return torch.cat(answers, 1)

    def _convolve_in_plane(self, input: Tensor, normal: int, weight: Tensor, bias: Tensor | None) -> Tensor:
        padding = [int(one) for one in self.padding]
        padding.insert(normal, 0)
        stride = int(self.stride[0])  # the size along the plane's normal shrinks as well
        return conv3d(input, weight.unsqueeze(2 + normal), bias, stride, padding, int(self.dilation[0]), self.groups)


class ACSResNet(nn.Module):
    """The residual network of flat pictures with every convolution laid into three planes.

    Parameters
    ----------
    layers, channels : four integers
        Blocks and channels of each stage; (2, 2, 2, 2) and (64, 128, 256, 512) is ResNet-18.
    stem_kernel, stem_stride : int
        Of the first convolution: 3 and 1 for small volumes, 7 and 2 for large ones.

    Notes
    -----
    Weights of the 2D network, pre-trained or our own, fit by name and shape: ``network.conv1.weight`` is that network's
    ``conv1.weight``.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        layers: Sequence[int] = (2, 2, 2, 2),
        channels: Sequence[int] = (64, 128, 256, 512),
        stem_kernel: int = 3,
        stem_stride: int = 1,
    ) -> None:
        super().__init__()
        flat = ResNet(
            "basic",
            layers,
            channels,
            spatial_dims=2,
            n_input_channels=in_channels,
            conv1_t_size=stem_kernel,
            conv1_t_stride=stem_stride,
            no_max_pool=True,
            num_classes=out_channels,
        )
        self.network = to_acs(flat)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (N, out_channels) of volumes (N, C, K, J, I)."""
        logits: Tensor = self.network(x)
        return logits


def view_shares(n_out: int) -> tuple[int, int, int]:
    """Split output channels over the three planes, the axial first; what is left over goes to the later ones.

    >>> view_shares(64)
    (21, 21, 22)
    """
    third = n_out // 3
    return third, (n_out - third) // 2, n_out - third - (n_out - third) // 2


def to_acs(network: nn.Module) -> nn.Module:
    """Turn the layers of a 2D network into ones for volumes, in place; weights and their names stay."""
    for name, layer in list(network.named_children()):
        setattr(network, name, _as_3d(layer))
    return network


def _as_3d(layer: nn.Module) -> nn.Module:
    if isinstance(layer, nn.Conv2d):
        return _as_acs(layer)
    if isinstance(layer, nn.BatchNorm2d):
        norm = nn.BatchNorm3d(layer.num_features, layer.eps, layer.momentum, layer.affine)
        norm.load_state_dict(layer.state_dict())
        return norm
    if isinstance(layer, nn.MaxPool2d):
        return nn.MaxPool3d(layer.kernel_size, layer.stride, layer.padding)
    if isinstance(layer, nn.AdaptiveAvgPool2d):
        return nn.AdaptiveAvgPool3d(layer.output_size)
    return to_acs(layer)


def _as_acs(layer: nn.Conv2d) -> nn.Module:
    acs = ACSConv(
        layer.in_channels,
        layer.out_channels,
        layer.kernel_size,  # type: ignore[arg-type]  # a pair, as torch keeps it
        layer.stride,  # type: ignore[arg-type]
        layer.padding,  # type: ignore[arg-type]
        layer.dilation,  # type: ignore[arg-type]
        layer.groups,
        layer.bias is not None,
    )
    acs.load_state_dict(layer.state_dict())
    return acs
