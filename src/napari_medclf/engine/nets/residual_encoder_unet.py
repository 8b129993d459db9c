"""The twin of ``dynamic_network_architectures``' ``ResidualEncoderUNet`` (Isensee 2024, nnU-Net revisited)."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from napari_medclf.engine.nets.conv_blocks import MEAN_OF, BlockKinds, ConvBlock, ConvRow, per_stage, sizes_of
from napari_medclf.engine.nets.layers import Stride
from napari_medclf.engine.nets.plain_conv_unet import Answer, Decoder, run_stages


class ResidualEncoderUNet(nn.Module):
    """A U-Net with residual blocks on the way down and plain ones on the way up.

    Parameters
    ----------
    kinds : BlockKinds
        Of what its blocks are made.
    features_per_stage, kernel_sizes, strides, n_blocks_per_stage, n_conv_per_stage_decoder :
        One for all stages, or one a stage from the top down; the decoder's from the bottom up, one fewer.
    bottleneck_channels : int, sequence or None
        Blocks of three convolutions squeeze to so many channels; None makes blocks of two (``BasicBlockD``).
    stem_channels : int or None
        Of the first convolution; None takes the first stage's.
    deep_supervision : bool
        Whether the answers of the lower stages are returned, too, the finest first.
    """

    def __init__(
        self,
        kinds: BlockKinds,
        input_channels: int,
        num_classes: int,
        n_stages: int,
        features_per_stage: int | Sequence[int],
        kernel_sizes: int | Sequence[Stride],
        strides: int | Sequence[Stride],
        n_blocks_per_stage: int | Sequence[int],
        n_conv_per_stage_decoder: int | Sequence[int],
        bottleneck_channels: int | Sequence[int] | None = None,
        stem_channels: int | None = None,
        deep_supervision: bool = False,
    ) -> None:
        super().__init__()
        features = per_stage(features_per_stage, n_stages)
        kernels = per_stage(kernel_sizes, n_stages)
        steps = sizes_of(per_stage(strides, n_stages), kinds.spatial_dims)
        self.encoder: nn.Module = _ResidualEncoder(
            kinds,
            input_channels,
            stem_channels or features[0],
            features,
            kernels,
            steps,
            per_stage(n_blocks_per_stage, n_stages),
            per_stage(bottleneck_channels, n_stages),
        )
        self.decoder = Decoder(
            kinds, self.encoder, num_classes, features, kernels, steps, n_conv_per_stage_decoder, deep_supervision
        )

    def forward(self, x: Tensor) -> Answer:
        """Return logits (N, num_classes, *spatial)."""
        answer: Answer = self.decoder(self.encoder(x))
        return answer


class _ResidualEncoder(nn.Module):
    def __init__(
        self,
        kinds: BlockKinds,
        n_in: int,
        n_stem: int,
        features: Sequence[int],
        kernels: Sequence[Stride],
        strides: Sequence[tuple[int, ...]],
        n_blocks: Sequence[int],
        n_squeezed: Sequence[int | None],
    ) -> None:
        super().__init__()
        self.stem = ConvRow(kinds, 1, n_in, n_stem, kernels[0], 1)
        self.stages = nn.Sequential(
            *(
                _ResidualRow(kinds, n, n_before, squeezed, n_out, kernel, stride)
                for n, n_before, squeezed, n_out, kernel, stride in zip(
                    n_blocks, (n_stem, *features[:-1]), n_squeezed, features, kernels, strides, strict=True
                )
            )
        )

    def forward(self, x: Tensor) -> list[Tensor]:
        return run_stages(self.stages, self.stem(x))


class _ResidualRow(nn.Module):
    def __init__(
        self,
        kinds: BlockKinds,
        n_blocks: int,
        n_in: int,
        n_squeezed: int | None,
        n_out: int,
        kernel: Stride,
        stride: tuple[int, ...],
    ) -> None:
        super().__init__()
        flat = (1,) * len(stride)
        self.blocks = nn.Sequential(
            _make_block(kinds, n_in, n_squeezed, n_out, kernel, stride),
            *(_make_block(kinds, n_out, n_squeezed, n_out, kernel, flat) for _ in range(1, n_blocks)),
        )

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.blocks(x)
        return out


class _BasicBlock(nn.Module):
    """Two convolutions beside a shortcut (``BasicBlockD``; He 2019)."""

    def __init__(self, kinds: BlockKinds, n_in: int, n_out: int, kernel: Stride, stride: tuple[int, ...]) -> None:
        super().__init__()
        self.conv1 = ConvBlock(kinds, n_in, n_out, kernel, stride)
        self.conv2 = ConvBlock(kinds, n_out, n_out, kernel, 1, has_dropout=False, has_nonlin=False)
        self.nonlin2 = kinds.activation()
        self.skip = _make_shortcut(kinds, n_in, n_out, stride)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.nonlin2(self.conv2(self.conv1(x)) + self.skip(x))
        return out


class _SqueezedBlock(nn.Module):
    """Three convolutions, the outer ones of one voxel, beside a shortcut (``BottleneckD``; He 2019)."""

    def __init__(
        self, kinds: BlockKinds, n_in: int, n_squeezed: int, n_out: int, kernel: Stride, stride: tuple[int, ...]
    ) -> None:
        super().__init__()
        self.conv1 = ConvBlock(kinds, n_in, n_squeezed, 1, 1, has_dropout=False)
        self.conv2 = ConvBlock(kinds, n_squeezed, n_squeezed, kernel, stride)
        self.conv3 = ConvBlock(kinds, n_squeezed, n_out, 1, 1, has_dropout=False, has_nonlin=False)
        self.nonlin3 = kinds.activation()
        self.skip = _make_shortcut(kinds, n_in, n_out, stride)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.nonlin3(self.conv3(self.conv2(self.conv1(x))) + self.skip(x))
        return out


def _make_block(
    kinds: BlockKinds, n_in: int, n_squeezed: int | None, n_out: int, kernel: Stride, stride: tuple[int, ...]
) -> nn.Module:
    if n_squeezed is None:
        return _BasicBlock(kinds, n_in, n_out, kernel, stride)
    return _SqueezedBlock(kinds, n_in, n_squeezed, n_out, kernel, stride)


def _make_shortcut(kinds: BlockKinds, n_in: int, n_out: int, stride: tuple[int, ...]) -> nn.Module:
    """Make what stands beside a block; layers without weights have their place in the numbering."""
    row: list[nn.Module] = []
    if any(step != 1 for step in stride):
        row.append(MEAN_OF[kinds.spatial_dims](stride, stride))
    if n_in != n_out:
        row.append(ConvBlock(kinds, n_in, n_out, 1, 1, has_bias=False, has_dropout=False, has_nonlin=False))
    return nn.Sequential(*row)
