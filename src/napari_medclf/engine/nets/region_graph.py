"""Images as graphs of regions: superpixels are the nodes, those that touch are joined (Knyazev 2019)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from napari_medclf.domain.arrays import FloatArray, LabelArray
from napari_medclf.engine.nets.layers import CONVOLUTION, check_dims, make_norm


class RegionGraph(nn.Module):
    """Cut an image into superpixels (SLIC, Achanta 2012), describe each, let neighbours talk, and ask them all.

    Parameters
    ----------
    n_regions : int
        Superpixels of an image, about.
    compactness : float
        How much nearness counts beside likeness when superpixels are cut; higher makes them squarer.
    stem : sequence of int
        Channels of the convolutions that describe every voxel before it is put into its region.
    hidden : sequence of int
        Features of a region after each round of talk with its neighbours.

    Notes
    -----
    A round is GraphSAGE's with the mean of the neighbours (Hamilton 2017). A region's features are mean and deviation
    of its voxels, its place and its size. Superpixels are cut from the image alone, so they have no weights; gradients
    flow through the features of the voxels.
    """

    def __init__(
        self,
        spatial_dims: int,
        in_channels: int,
        out_channels: int,
        n_regions: int = 64,
        compactness: float = 0.1,
        stem: Sequence[int] = (16, 32),
        hidden: Sequence[int] = (64, 64, 64),
        dropout: float = 0.2,
    ) -> None:
        super().__init__()
        check_dims(spatial_dims)
        self.n_regions, self.compactness = n_regions, compactness
        befores = (in_channels, *stem[:-1])
        self.stem = nn.Sequential(
            *(_convolve(spatial_dims, n_in, n_out) for n_in, n_out in zip(befores, stem, strict=True))
        )
        n_described = 2 * stem[-1] + spatial_dims + 1
        befores = (n_described, *hidden[:-1])
        self.rounds = nn.ModuleList(_Round(n_in, n_out) for n_in, n_out in zip(befores, hidden, strict=True))
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(2 * hidden[-1], out_channels)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (N, out_channels)."""
        regions, n_of_image = self._cut(x)
        nodes = _describe(self.stem(x), regions, int(n_of_image.sum()))
        pairs = neighbours(regions)
        for one in self.rounds:
            nodes = one(nodes, pairs)
        image = torch.repeat_interleave(torch.arange(len(x), device=x.device), n_of_image)
        logits: Tensor = self.fc(self.dropout(_read_out(nodes, image, len(x))))
        return logits

    def _cut(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Number the superpixels of all images through; returns numbers (N, *spatial), and how many each image has."""
        if torch.jit.is_tracing():  # type: ignore[attr-defined]  # public by its docs
            raise RuntimeError("the regions of one image would become those of all")
        found = [superpixels(one, self.n_regions, self.compactness) for one in x.detach().float().cpu().numpy()]
        counts = [int(one.max()) + 1 for one in found]
        starts = np.cumsum([0, *counts[:-1]])
        numbers = np.stack([one + start for one, start in zip(found, starts, strict=True)])
        return torch.from_numpy(numbers).to(x.device), torch.tensor(counts, device=x.device)


def superpixels(image: FloatArray, n_regions: int, compactness: float) -> LabelArray:
    """Cut an image (C, *spatial) into regions that are numbered from 0 without a gap."""
    from skimage.segmentation import slic

    low, high = float(image.min()), float(image.max())
    scaled = (image - low) / max(high - low, 1e-6)
    cut = slic(
        np.moveaxis(scaled, 0, -1), n_segments=n_regions, compactness=compactness, channel_axis=-1, convert2lab=False
    )
    _, numbers = np.unique(cut, return_inverse=True)
    return np.asarray(numbers.reshape(cut.shape), dtype=np.int64)


def neighbours(regions: Tensor) -> Tensor:
    """List the pairs of regions that share a face, each in both directions.

    Parameters
    ----------
    regions : (N, *spatial) int64
        Numbers that no two images share.

    Returns
    -------
    (2, n_pairs) int64
        Of each pair, who tells and who hears; no pair twice.
    """
    pairs = []
    for axis in range(1, regions.dim()):
        n = regions.shape[axis]
        first, second = regions.narrow(axis, 0, n - 1).flatten(), regions.narrow(axis, 1, n - 1).flatten()
        differs = first != second
        pairs.append(torch.stack((first[differs], second[differs])))
    found = torch.cat(pairs, 1)
    return torch.cat((found, found.flip(0)), 1).unique(dim=1)


class _Round(nn.Module):
    """What a region knows and the mean of what its neighbours know, through one layer."""

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__()
        self.own = nn.Linear(n_in, n_out)
        self.heard = nn.Linear(n_in, n_out, bias=False)
        self.norm = nn.LayerNorm(n_out)

    def forward(self, nodes: Tensor, pairs: Tensor) -> Tensor:
        tells, hears = pairs
        heard = mean_by(nodes[tells], hears, len(nodes))
        out: Tensor = torch.relu(self.norm(self.own(nodes) + self.heard(heard)))
        return out


def mean_by(values: Tensor, group: Tensor, n_groups: int) -> Tensor:
    """Mean (n_groups, C) of the rows of each group; zeros for a group without any."""
    total = values.new_zeros(n_groups, values.shape[1]).index_add(0, group, values)
    count = values.new_zeros(n_groups).index_add(0, group, values.new_ones(len(group)))
    return total / count.clamp_min(1)[:, None]


def _describe(features: Tensor, regions: Tensor, n: int) -> Tensor:
    """Mean, deviation, place (0 to 1) and size of every region."""
    flat, group = features.movedim(1, -1).flatten(0, -2), regions.flatten()
    mean = mean_by(flat, group, n)
    deviation = (mean_by(flat.square(), group, n) - mean.square()).clamp_min(0).add(1e-6).sqrt()
    axes = [torch.linspace(0, 1, size, device=features.device) for size in regions.shape[1:]]
    grid = torch.stack(torch.meshgrid(*axes, indexing="ij"), -1).to(flat.dtype)
    place = mean_by(grid.expand(len(regions), *grid.shape).flatten(0, -2), group, n)
    n_vox = features[0, 0].numel()
    size = torch.bincount(group, minlength=n)[:, None].to(flat.dtype) * (n / len(regions) / n_vox)
    return torch.cat((mean, deviation, place, size), 1)


def _read_out(nodes: Tensor, image: Tensor, n_images: int) -> Tensor:
    """Mean and maximum over the regions of each image."""
    index = image[:, None].expand_as(nodes)
    highest = nodes.new_zeros(n_images, nodes.shape[1]).scatter_reduce(0, index, nodes, "amax", include_self=False)
    return torch.cat((mean_by(nodes, image, n_images), highest), 1)


def _convolve(spatial_dims: int, n_in: int, n_out: int) -> nn.Sequential:
    convolution = CONVOLUTION[spatial_dims](n_in, n_out, 3, padding=1, bias=False)
    return nn.Sequential(convolution, make_norm("batch", spatial_dims, n_out), nn.ReLU(inplace=True))
