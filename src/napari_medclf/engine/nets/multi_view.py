"""Volumes as pictures of slices in three directions (2.5D; Roth 2014, Su 2015)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from napari_medclf.engine.nets.resnet import ResNet

_AXES = (2, 3, 4)
"""Of (N, C, K, J, I): the normals of axial, coronal and sagittal slices, in the volume's own order."""


class MultiView(nn.Module):
    """One residual network looks at slices along all three axes; what it sees in each direction is pooled and joined.

    Parameters
    ----------
    n_slices : int
        Slices in each direction, evenly spread over the middle half of the volume.
    neighbours : int
        Each slice is seen with so many on either side, as channels.
    size : int
        Side to which slices are brought.
    layers, channels : four integers
        Blocks and channels of each stage of the network.
    pooling : str
        How the slices of a direction become one: ``max`` (Su 2015) or ``mean``.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        n_slices: int = 3,
        neighbours: int = 1,
        size: int = 48,
        layers: Sequence[int] = (1, 1, 1, 1),
        channels: Sequence[int] = (24, 48, 96, 160),
        pooling: Literal["max", "mean"] = "max",
        dropout: float = 0.2,
    ) -> None:
        super().__init__()
        if pooling not in ("max", "mean"):
            raise ValueError(f"slices are pooled by max or mean, not {pooling!r}")
        self.n_slices, self.neighbours, self.size, self.pooling = n_slices, neighbours, size, pooling
        self.encoder = picture_encoder(in_channels * (2 * neighbours + 1), layers, channels)
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(len(_AXES) * channels[-1], out_channels)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (N, out_channels) of volumes (N, C, K, J, I)."""
        views = [self._see(x, axis) for axis in _AXES]
        logits: Tensor = self.fc(self.dropout(torch.cat(views, 1)))
        return logits

    def _see(self, x: Tensor, axis: int) -> Tensor:
        slices = self._slices(x.movedim(axis, 1))
        features = self.encoder(slices.flatten(0, 1)).unflatten(0, slices.shape[:2])
        return features.amax(1) if self.pooling == "max" else features.mean(1)

    def _slices(self, x: Tensor) -> Tensor:
        """Take (N, n_slices, C * neighbours, size, size) out of (N, depth, C, rows, columns)."""
        depth = x.shape[1]
        middles = torch.linspace(depth / 4, depth * 3 / 4, self.n_slices + 2, device=x.device)[1:-1]
        offsets = torch.arange(-self.neighbours, self.neighbours + 1, device=x.device)
        places = (middles.long()[:, None] + offsets).clamp(0, depth - 1)
        taken = x[:, places].flatten(2, 3)
        resized = interpolate(taken.flatten(0, 1), (self.size, self.size), mode="bilinear", align_corners=False)
        return resized.unflatten(0, taken.shape[:2])


def picture_encoder(n_channels: int, layers: Sequence[int], channels: Sequence[int]) -> nn.Module:
    """Make a residual network for pictures that ends with its features, (N, channels[-1])."""
    network = ResNet(
        "basic",
        layers,
        channels,
        spatial_dims=2,
        n_input_channels=n_channels,
        conv1_t_size=3,
        conv1_t_stride=1,
        no_max_pool=True,
        num_classes=1,
    )
    network.fc = nn.Identity()  # type: ignore[assignment]  # the features are wanted, not classes
    return network
