"""The twin of ``monai.networks.nets.ResNet`` (He 2016; Hara 2018 for 3D)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import Tensor, nn

from napari_medclf.engine.nets.layers import (
    CONVOLUTION,
    MAX_POOL,
    MEAN_POOL,
    LayerSpec,
    NotSupported,
    Stride,
    check_dims,
    make_activation,
    make_norm,
    repeat,
)

_RELU: LayerSpec = ("relu", {"inplace": True})


class ResNet(nn.Module):
    """See MONAI's; with shortcuts of kind B.

    Parameters
    ----------
    layers, block_inplanes : four integers
        Blocks and channels of each stage.
    conv1_t_size, conv1_t_stride : int
        Of the first convolution.
    """

    def __init__(
        self,
        block: str,
        layers: Sequence[int],
        block_inplanes: Sequence[int],
        spatial_dims: int = 3,
        n_input_channels: int = 3,
        conv1_t_size: Stride = 7,
        conv1_t_stride: Stride = 1,
        no_max_pool: bool = False,
        shortcut_type: str = "B",
        widen_factor: float = 1.0,
        num_classes: int = 400,
        feed_forward: bool = True,
        bias_downsample: bool = True,
        act: LayerSpec = _RELU,
        norm: LayerSpec = "batch",
    ) -> None:
        super().__init__()
        check_dims(spatial_dims)
        if block not in _BLOCKS or (shortcut_type, norm, feed_forward) != ("B", "batch", True):
            raise NotSupported
        kind, expansion = _BLOCKS[block]
        planes = [int(n * widen_factor) for n in block_inplanes]
        kernel = repeat(conv1_t_size, spatial_dims)
        self.no_max_pool = no_max_pool
        self.conv1 = CONVOLUTION[spatial_dims](
            n_input_channels,
            planes[0],
            kernel_size=kernel,
            stride=repeat(conv1_t_stride, spatial_dims),
            padding=tuple(size // 2 for size in kernel),
            bias=False,
        )
        self.bn1 = make_norm(norm, spatial_dims, planes[0])
        self.act = make_activation(act)
        self.maxpool = MAX_POOL[spatial_dims](kernel_size=3, stride=2, padding=1)
        befores = (planes[0], *(n * expansion for n in planes))
        stages = [
            _make_stage(kind, expansion, n_in, n, n_blocks, stride, spatial_dims, bias_downsample)
            for n_in, n, n_blocks, stride in zip(befores, planes, layers, (1, 2, 2, 2), strict=False)
        ]
        self.layer1, self.layer2, self.layer3, self.layer4 = stages
        self.avgpool = MEAN_POOL[spatial_dims](1)
        self.fc = nn.Linear(planes[3] * expansion, num_classes)
        self._initialise()

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (N, num_classes)."""
        x = self.act(self.bn1(self.conv1(x)))
        if not self.no_max_pool:
            x = self.maxpool(x)
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        logits: Tensor = self.fc(self.avgpool(x).flatten(1))
        return logits

    def _initialise(self) -> None:
        for module in self.modules():
            if isinstance(module, (nn.Conv2d, nn.Conv3d)):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            elif isinstance(module, nn.Linear):
                nn.init.constant_(module.bias, 0)


class _BasicBlock(nn.Module):
    """Two convolutions beside a shortcut."""

    def __init__(self, n_in: int, n_out: int, stride: int, spatial_dims: int, downsample: nn.Module | None) -> None:
        super().__init__()
        convolution = CONVOLUTION[spatial_dims]
        self.conv1 = convolution(n_in, n_out, kernel_size=3, padding=1, stride=stride, bias=False)
        self.bn1 = make_norm("batch", spatial_dims, n_out)
        # MONAI 1.6.1 passes neither `act` nor `norm` on to its blocks: they are always these.
        self.act = make_activation(_RELU)
        self.conv2 = convolution(n_out, n_out, kernel_size=3, padding=1, bias=False)
        self.bn2 = make_norm("batch", spatial_dims, n_out)
        self.downsample = downsample

    def forward(self, x: Tensor) -> Tensor:
        shortcut = x if self.downsample is None else self.downsample(x)
        out = self.bn2(self.conv2(self.act(self.bn1(self.conv1(x)))))
        result: Tensor = self.act(out + shortcut)
        return result


class _Bottleneck(nn.Module):
    """A convolution between two of one voxel, which narrow and widen, beside a shortcut."""

    def __init__(self, n_in: int, n: int, stride: int, spatial_dims: int, downsample: nn.Module | None) -> None:
        super().__init__()
        convolution = CONVOLUTION[spatial_dims]
        self.conv1 = convolution(n_in, n, kernel_size=1, bias=False)
        self.bn1 = make_norm("batch", spatial_dims, n)
        self.conv2 = convolution(n, n, kernel_size=3, stride=stride, padding=1, bias=False)
        self.bn2 = make_norm("batch", spatial_dims, n)
        self.conv3 = convolution(n, n * 4, kernel_size=1, bias=False)
        self.bn3 = make_norm("batch", spatial_dims, n * 4)
        self.act = make_activation(_RELU)
        self.downsample = downsample

    def forward(self, x: Tensor) -> Tensor:
        shortcut = x if self.downsample is None else self.downsample(x)
        out = self.act(self.bn2(self.conv2(self.act(self.bn1(self.conv1(x))))))
        result: Tensor = self.act(self.bn3(self.conv3(out)) + shortcut)
        return result


_BLOCKS: dict[str, tuple[Callable[..., nn.Module], int]] = {"basic": (_BasicBlock, 1), "bottleneck": (_Bottleneck, 4)}
"""Kind of block, and how much wider its answer is than its stage."""


def _make_stage(
    kind: Callable[..., nn.Module],
    expansion: int,
    n_in: int,
    n: int,
    n_blocks: int,
    stride: int,
    spatial_dims: int,
    has_bias: bool,
) -> nn.Sequential:
    n_out = n * expansion
    shortcut = None
    if stride != 1 or n_in != n_out:
        shortcut = nn.Sequential(
            CONVOLUTION[spatial_dims](n_in, n_out, kernel_size=1, stride=stride, bias=has_bias),
            make_norm("batch", spatial_dims, n_out),
        )
    rest = (kind(n_out, n, 1, spatial_dims, None) for _ in range(1, n_blocks))
    return nn.Sequential(kind(n_in, n, stride, spatial_dims, shortcut), *rest)
