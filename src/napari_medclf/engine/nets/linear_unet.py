"""The 3D U-Net of the PyPI package ``unet`` (F. Perez-Garcia, MIT) with linear upsampling, as TorchIO uses it."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class LinearUNet(nn.Module):
    """Parameter names are those of ``unet.UNet``, whose files hold each layer twice, under two names.

    Parameters
    ----------
    num_encoding_blocks : int
        Levels, the lowest one included.
    out_channels_first_layer : int
        Doubles within each level, and not between levels.
    """

    def __init__(
        self,
        in_channels: int = 1,
        out_classes: int = 2,
        num_encoding_blocks: int = 3,
        out_channels_first_layer: int = 8,
    ) -> None:
        super().__init__()
        first, depth = out_channels_first_layer, num_encoding_blocks - 1
        widths = [first * 2**level for level in range(depth + 1)]
        inputs = [in_channels, *(2 * width for width in widths)]
        self.encoder = nn.ModuleDict(
            {"encoding_blocks": nn.ModuleList(_Two(inputs[n], widths[n], is_first=n == 0) for n in range(depth))}
        )
        self.bottom_block = _Two(inputs[depth], widths[depth])
        skips = [first * 2 ** (depth - level) for level in range(depth)]
        self.decoder = nn.ModuleDict({"decoding_blocks": nn.ModuleList(_Joined(n) for n in skips)})
        self.classifier = _Layer(2 * first, out_classes, kernel_size=1, is_bare=True)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (N, out_classes, K, J, I); sizes are multiples of 2 to the power of the levels below."""
        skips = []
        for block in _list(self.encoder["encoding_blocks"]):
            x = block(x)
            skips.append(x)
            x = nn.functional.max_pool3d(x, 2)
        x = self.bottom_block(x)
        for block in _list(self.decoder["decoding_blocks"]):
            up = nn.functional.interpolate(x, scale_factor=2, mode="trilinear", align_corners=False)
            x = block(torch.cat([skips.pop(), up], dim=1))
        logits: Tensor = self.classifier(x)
        return logits


def _list(blocks: nn.Module) -> nn.ModuleList:
    assert isinstance(blocks, nn.ModuleList)
    return blocks


class _Two(nn.Module):
    """An encoder's level: the second convolution doubles the channels."""

    def __init__(self, n_in: int, n_out: int, *, is_first: bool = False) -> None:
        super().__init__()
        self.conv1 = _Layer(n_in, n_out, is_normalised=not is_first)
        self.conv2 = _Layer(n_out, 2 * n_out)

    def forward(self, x: Tensor) -> Tensor:
        answer: Tensor = self.conv2(self.conv1(x))
        return answer


class _Joined(nn.Module):
    """A decoder's level: the skip's channels and twice as many from below."""

    def __init__(self, n_skip: int) -> None:
        super().__init__()
        self.conv1 = _Layer(3 * n_skip, n_skip)
        self.conv2 = _Layer(n_skip, n_skip)

    def forward(self, x: Tensor) -> Tensor:
        answer: Tensor = self.conv2(self.conv1(x))
        return answer


class _Layer(nn.Module):
    """Convolution, batch normalisation, PReLU; each stands here by its name and again in ``block``."""

    def __init__(
        self, n_in: int, n_out: int, kernel_size: int = 3, *, is_normalised: bool = True, is_bare: bool = False
    ) -> None:
        super().__init__()
        has_norm = is_normalised and not is_bare
        self.conv_layer = nn.Conv3d(n_in, n_out, kernel_size, padding=kernel_size // 2, bias=not has_norm)
        self.norm_layer = nn.BatchNorm3d(n_out) if has_norm else None
        self.activation_layer = None if is_bare else nn.PReLU()
        layers = (self.conv_layer, self.norm_layer, self.activation_layer)
        self.block = nn.Sequential(*(layer for layer in layers if layer is not None))

    def forward(self, x: Tensor) -> Tensor:
        answer: Tensor = self.block(x)
        return answer
