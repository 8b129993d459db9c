"""A segmenter without deep learning: what is around each voxel, and trees that vote on its class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from napari_medclf.domain.errors import CardError
from napari_medclf.engine.classic.features.pixelwise import PixelFeatures
from napari_medclf.engine.classic.heads.problem import Aim
from napari_medclf.engine.classic.heads.trees import TreesHead


class PixelForest(nn.Module):
    """Labels every voxel by a random forest on its surroundings.

    Parameters
    ----------
    spatial_dims, in_channels, out_channels : int
        Of the images, and how many classes there are with background.
    scales_vox : sequence of float
        How far a voxel sees (`PixelFeatures`).
    sizes : dict or None
        Of the fitted forest; None before that.
    n_trees, smallest_leaf, deepest, n_samples : int
        How the forest is grown: from so many voxels of the training patches.
    prior : float or list of float
        How much rare classes are held back: 0 treats classes alike, 1 takes them as rare as they are; of a list,
        validation chooses.
    """

    offset: Tensor

    def __init__(
        self,
        spatial_dims: int,
        in_channels: int,
        out_channels: int,
        scales_vox: Sequence[float] = (1, 2, 4, 8),
        sizes: Mapping[str, Any] | None = None,
        n_trees: int = 40,
        smallest_leaf: int = 5,
        deepest: int = 14,
        n_samples: int = 60_000,
        prior: float | Sequence[float] = (0.25, 0.5, 0.75, 1.0),
    ) -> None:
        super().__init__()
        self.features = PixelFeatures(spatial_dims, in_channels, scales_vox)
        self.register_buffer("offset", torch.zeros(out_channels))
        self.head: TreesHead | None = None
        if sizes is not None:
            self.head = TreesHead(len(self.features.names), out_channels, Aim.ONE_CLASS, **sizes)

    def forward(self, images: Tensor) -> Tensor:
        """Log-probabilities (N, out_channels, *spatial) float32 of images (N, C, *spatial).

        Raises
        ------
        CardError
            If it was not fitted yet.
        """
        if self.head is None:
            raise CardError("This pixel forest was not fitted yet. Train it first.")
        with torch.autocast(images.device.type, enabled=False):
            features = self.features(images)
            rows = features.movedim(1, -1).flatten(0, -2)
            answers = (self.head(rows) + self.offset.double()).log_softmax(1).float()
        return answers.reshape(len(images), *images.shape[2:], -1).movedim(-1, 1)
