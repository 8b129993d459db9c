"""Features of whole images as a layer of a network: images go in, numbers with names come out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import torch
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d, adaptive_avg_pool3d

from napari_medclf.domain.errors import unknown_choice
from napari_medclf.engine.classic.features.first_order import FIRST_ORDER_NAMES, first_order
from napari_medclf.engine.classic.features.glcm import GLCM_NAMES, glcm
from napari_medclf.engine.classic.features.hog import hog, hog_names
from napari_medclf.engine.classic.features.lbp import lbp, lbp_names
from napari_medclf.engine.classic.features.shape import shape, shape_names

_PIXELS = {2: 10, 3: 6}
_CELLS = {2: (4, 7), 3: (4,)}
_CHUNK_VOX = 2**19
"""Voxels that are described at once: more of them leave the cache and take memory."""


@dataclass(frozen=True)
class Kind:
    """A kind of feature: what counts it for gray images (N, *spatial), and its names for a number of axes."""

    count: Callable[[Tensor], Tensor]
    names: Callable[[int], Sequence[str]]


def _pixels(images: Tensor) -> Tensor:
    n_dims = images.dim() - 1
    pool = adaptive_avg_pool2d if n_dims == 2 else adaptive_avg_pool3d
    return pool(images[:, None], _PIXELS[n_dims]).flatten(1)


def _pixel_names(n_dims: int) -> tuple[str, ...]:
    return tuple(f"pixel {number}" for number in range(_PIXELS[n_dims] ** n_dims))


def _hogs(images: Tensor) -> Tensor:
    return torch.cat([hog(images, n_cells) for n_cells in _CELLS[images.dim() - 1]], 1)


def _hogs_names(n_dims: int) -> tuple[str, ...]:
    return tuple(f"{name} of {n}x{n}" for n in _CELLS[n_dims] for name in hog_names(n_dims, n))


KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "first order": Kind(first_order, lambda _: FIRST_ORDER_NAMES),
        "glcm": Kind(glcm, lambda _: GLCM_NAMES),
        "lbp": Kind(lbp, lbp_names),
        "hog": Kind(_hogs, _hogs_names),
        "shape": Kind(shape, shape_names),
        "pixels": Kind(_pixels, _pixel_names),
    }
)
"""Everything that is counted by hand."""


class HandMadeFeatures(nn.Module):
    """Intensity, texture, edges, form and coarse pixels of an image, without anything learned.

    Parameters
    ----------
    n_dims : int
        Spatial axes, 2 or 3.
    n_channels : int
        First-order features are counted for every channel, the others for the channels' mean.
    kinds : sequence of str
        Of `KINDS`; all by default.
    """

    def __init__(self, n_dims: int, n_channels: int, kinds: Sequence[str] = tuple(KINDS)) -> None:
        super().__init__()
        unknown = [kind for kind in kinds if kind not in KINDS]
        if unknown:
            raise ValueError(unknown_choice("kind of feature", unknown[0], tuple(KINDS)))
        self._n_dims, self._n_channels, self._kinds = n_dims, n_channels, tuple(kinds)

    @property
    def names(self) -> tuple[str, ...]:
        """Name of every feature, in order."""
        channels = range(self._n_channels if self._n_channels > 1 else 0)
        first = [f"channel {number} {name}" for number in channels for name in FIRST_ORDER_NAMES]
        return (*first, *(name for kind in self._kinds for name in KINDS[kind].names(self._n_dims)))

    def forward(self, images: Tensor) -> Tensor:
        """Count the features (N, len(names)) float64 of images (N, C, *spatial)."""
        size = max(_CHUNK_VOX // images[0].numel(), 1)
        return torch.cat([self._count(chunk) for chunk in images.to(torch.float64).split(size)])

    def _count(self, images: Tensor) -> Tensor:
        gray = images.mean(1)
        channels = images.unbind(1) if self._n_channels > 1 else ()
        counted = [KINDS[kind].count(gray) for kind in self._kinds]
        return torch.cat([*(first_order(channel) for channel in channels), *counted], 1)
