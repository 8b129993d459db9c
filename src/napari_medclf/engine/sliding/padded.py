"""An image that is at least as large as a window, and the windows of it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from napari_medclf.domain.arrays import FloatArray
from napari_medclf.domain.geometry import Shape3


class PaddedImage:
    """Pads with zeros, evenly on both sides, what is smaller than a tile.

    Parameters
    ----------
    data : (C, K, J, I) float32
        The image; it is not copied where it needs no padding.
    tile : (k, j, i)
        Voxels of a window.
    device : torch.device
        Of the network.

    Attributes
    ----------
    own_shape, shape : (K, J, I)
        Voxels without and with the padding.
    offset : (k, j, i)
        Where the first voxel of the image lies in the padded one.
    """

    def __init__(self, data: FloatArray, tile: Shape3, device: torch.device) -> None:
        self.own_shape = _three(data.shape[1:])
        missing = [max(size - have, 0) for size, have in zip(tile, self.own_shape, strict=True)]
        self.offset = _three([n // 2 for n in missing])
        if any(missing):
            sides = ((start, n - start) for start, n in zip(self.offset, missing, strict=True))
            data = np.pad(data, [(0, 0), *sides])
        self.shape = _three(data.shape[1:])
        self._tile = tile
        self._samples = _place(torch.from_numpy(np.ascontiguousarray(data, dtype=np.float32)), device)

    def to_own(self, corner: Shape3) -> Shape3:
        """Give a place of the padded image as a place of the image."""
        return _three([place - offset for place, offset in zip(corner, self.offset, strict=True)])

    def windows(self, corners: Sequence[Shape3]) -> Tensor:
        """Stack the windows (N, C, k, j, i) that begin at some places of the padded image."""
        boxes = [tuple(slice(start, start + n) for start, n in zip(one, self._tile, strict=True)) for one in corners]
        return torch.stack([self._samples[(slice(None), *box)] for box in boxes])

    def own_box(self, axis: int) -> tuple[slice, ...]:
        """Select the image's own part of padded logits (C, K, J, I), all of one axis kept."""
        box = [slice(start, start + n) for start, n in zip(self.offset, self.own_shape, strict=True)]
        box[axis] = slice(None)
        return (slice(None), *box)


def _three(numbers: Sequence[int]) -> Shape3:
    k, j, i = numbers
    return (k, j, i)


def _place(image: Tensor, device: torch.device) -> Tensor:
    """Put a whole image on a GPU where it takes a small part of the memory, so that windows need no transfer."""
    if device.type != "cuda":
        return image
    free, _ = torch.cuda.mem_get_info(device)
    return image.to(device) if image.nbytes < free // 8 else image
