"""What is around every voxel, on several scales: the features of trainable segmentation (Arganda-Carreras 2017)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations_with_replacement

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, conv3d, pad

_REACH_SD = 3.0
_A_SCALE = ("smooth", "edge", "blob", "ridge high", "ridge low", "ring")


class PixelFeatures(nn.Module):
    """Brightness, edges, blobs and ridges around every voxel.

    Parameters
    ----------
    n_dims, n_channels : int
    scales_vox : sequence of float
        Standard deviations of the Gaussians, growing.
    """

    def __init__(self, n_dims: int, n_channels: int, scales_vox: Sequence[float]) -> None:
        super().__init__()
        self._n_dims, self._n_channels, self._scales = n_dims, n_channels, tuple(map(float, scales_vox))

    @property
    def names(self) -> tuple[str, ...]:
        """Name of every feature, in order."""
        one_scale = _A_SCALE if self._n_dims == 2 else [name for name in _A_SCALE if not name.startswith("ridge")]
        each = ["sample", *(f"{name} at {scale:g}" for scale in self._scales for name in one_scale)]
        return tuple(f"channel {number} {name}" for number in range(self._n_channels) for name in each)

    def forward(self, images: Tensor) -> Tensor:
        """Describe the voxels of images (N, C, *spatial): (N, len(names), *spatial) float32."""
        parts = [self._describe(images[:, [channel]].float()) for channel in range(self._n_channels)]
        return torch.cat(parts, 1)

    def _describe(self, image: Tensor) -> Tensor:
        found, smooth, before = [image], image, 0.0
        for scale in self._scales:
            last = smooth
            smooth = blur(smooth, (scale**2 - before**2) ** 0.5)
            found += [smooth, *self._derivatives(smooth, scale), last - smooth]
            before = scale
        return torch.cat(found, 1)

    def _derivatives(self, smooth: Tensor, scale: float) -> list[Tensor]:
        """Edge strength, Laplacian and, in the plane, eigenvalues of the Hessian; in units of the scale."""
        axes = range(2, smooth.dim())
        first = {axis: _difference(smooth, axis) for axis in axes}
        edge = torch.stack([one.square() for one in first.values()]).sum(0).sqrt() * scale
        wanted = combinations_with_replacement(axes, 2) if self._n_dims == 2 else [(axis, axis) for axis in axes]
        second = {(a, b): _difference(first[a], b) * scale**2 for a, b in wanted}
        blob = torch.stack([second[axis, axis] for axis in axes]).sum(0)
        if self._n_dims == 3:
            return [edge, blob]
        half = ((second[2, 2] - second[3, 3]).square() / 4 + second[2, 3].square()).sqrt()
        return [edge, blob, blob / 2 + half, blob / 2 - half]


def blur(images: Tensor, sd_vox: float) -> Tensor:
    """Smooth images (N, 1, *spatial) by a Gaussian; beyond the border the edge goes on."""
    reach = max(round(_REACH_SD * sd_vox), 1)
    distance = torch.arange(-reach, reach + 1, dtype=images.dtype, device=images.device)
    kernel = torch.exp(-0.5 * (distance / sd_vox) ** 2)
    kernel = kernel / kernel.sum()
    n_dims = images.dim() - 2
    convolve = conv2d if n_dims == 2 else conv3d
    for axis in range(n_dims):
        shape, margins = [1] * (n_dims + 2), [0] * (2 * n_dims)
        shape[2 + axis] = len(kernel)
        margins[2 * (n_dims - 1 - axis)] = margins[2 * (n_dims - 1 - axis) + 1] = reach
        images = convolve(pad(images, margins, mode="replicate"), kernel.view(shape))
    return images


def _difference(images: Tensor, axis: int) -> Tensor:
    """Half the difference of the two neighbours along an axis; at the border, to the voxel itself."""
    size = images.shape[axis]
    place = torch.arange(size, device=images.device)
    after, before = (place + 1).clamp_max(size - 1), (place - 1).clamp_min(0)
    return (images.index_select(axis, after) - images.index_select(axis, before)) / 2
