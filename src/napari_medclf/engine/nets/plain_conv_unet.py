"""The twin of ``dynamic_network_architectures``' ``PlainConvUNet``, nnU-Net's network (Isensee 2021)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from napari_medclf.engine.nets.conv_blocks import TRANSPOSED_OF, BlockKinds, ConvRow, per_stage, sizes_of
from napari_medclf.engine.nets.layers import Stride

Answer = Tensor | list[Tensor]


class PlainConvUNet(nn.Module):
    """A U-Net of plain convolutions.

    Parameters
    ----------
    kinds : BlockKinds
        Of what its blocks are made.
    features_per_stage, kernel_sizes, strides, n_conv_per_stage, n_conv_per_stage_decoder :
        One for all stages, or one a stage from the top down; the decoder's from the bottom up, one fewer.
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
        n_conv_per_stage: int | Sequence[int],
        n_conv_per_stage_decoder: int | Sequence[int],
        deep_supervision: bool = False,
    ) -> None:
        super().__init__()
        features = per_stage(features_per_stage, n_stages)
        kernels = per_stage(kernel_sizes, n_stages)
        steps = sizes_of(per_stage(strides, n_stages), kinds.spatial_dims)
        n_blocks = per_stage(n_conv_per_stage, n_stages)
        self.encoder: nn.Module = _PlainEncoder(kinds, input_channels, features, kernels, steps, n_blocks)
        self.decoder = Decoder(
            kinds, self.encoder, num_classes, features, kernels, steps, n_conv_per_stage_decoder, deep_supervision
        )

    def forward(self, x: Tensor) -> Answer:
        """Return logits (N, num_classes, *spatial)."""
        answer: Answer = self.decoder(self.encoder(x))
        return answer


class _PlainEncoder(nn.Module):
    def __init__(
        self,
        kinds: BlockKinds,
        n_in: int,
        features: Sequence[int],
        kernels: Sequence[Stride],
        strides: Sequence[tuple[int, ...]],
        n_blocks: Sequence[int],
    ) -> None:
        super().__init__()
        rows = [
            ConvRow(kinds, n, n_before, n_out, kernel, stride)
            for n, n_before, n_out, kernel, stride in zip(
                n_blocks, (n_in, *features[:-1]), features, kernels, strides, strict=True
            )
        ]
        self.stages = nn.Sequential(*(nn.Sequential(row) for row in rows))

    def forward(self, x: Tensor) -> list[Tensor]:
        return run_stages(self.stages, x)


class Decoder(nn.Module):
    """The way up (``UNetDecoder``): joins what comes from below with what the encoder saw at each stage.

    The encoder is one of its parts, so that its weights are stored under a second name, as in the files; the heads of
    all stages are there, used or not.
    """

    def __init__(
        self,
        kinds: BlockKinds,
        encoder: nn.Module,
        num_classes: int,
        features: Sequence[int],
        kernels: Sequence[Stride],
        strides: Sequence[tuple[int, ...]],
        n_conv_per_stage: int | Sequence[int],
        deep_supervision: bool,
    ) -> None:
        super().__init__()
        self.deep_supervision = deep_supervision
        self.encoder = encoder
        n_blocks = per_stage(n_conv_per_stage, len(features) - 1)
        upwards = list(range(len(features) - 2, -1, -1))
        up = TRANSPOSED_OF[kinds.spatial_dims]
        self.stages = nn.ModuleList(
            ConvRow(kinds, n, 2 * features[stage], features[stage], kernels[stage], 1)
            for n, stage in zip(n_blocks, upwards, strict=True)
        )
        self.transpconvs = nn.ModuleList(
            up(features[stage + 1], features[stage], strides[stage + 1], strides[stage + 1], bias=kinds.has_bias)
            for stage in upwards
        )
        self.seg_layers = nn.ModuleList(
            kinds.convolution(features[stage], num_classes, 1, 1, has_bias=True) for stage in upwards
        )

    def forward(self, skips: list[Tensor]) -> Answer:
        """Return logits from what each stage of the encoder gave, the finest first."""
        x = skips[-1]
        answers: list[Tensor] = []
        for number, (stage, up, head) in enumerate(zip(self.stages, self.transpconvs, self.seg_layers, strict=True)):
            x = stage(torch.cat((up(x), skips[-number - 2]), 1))
            if self.deep_supervision or number == len(self.stages) - 1:
                answers.append(head(x))
        return answers[::-1] if self.deep_supervision else answers[0]


def run_stages(stages: nn.Sequential, x: Tensor) -> list[Tensor]:
    """Run an encoder and keep what each stage gives, the finest first."""
    skips: list[Tensor] = []
    for stage in stages:
        x = stage(x)
        skips.append(x)
    return skips
