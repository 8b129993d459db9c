"""Blend windows where they overlap, and hand finished slabs of logits on."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from napari_medclf.domain.geometry import Shape3
from napari_medclf.engine.restore.sink import Sink
from napari_medclf.engine.sliding.blend import tile_weight
from napari_medclf.engine.sliding.padded import PaddedImage
from napari_medclf.engine.sliding.streaming import Streaming
from napari_medclf.engine.sliding.sums import Store, Sums, sums_bytes
from napari_medclf.engine.sliding.tiles import choose_axis, list_tiles
from napari_medclf.engine.sliding.window import Window

# Logits that are handed on at once, about: sinks stay in the cache, and a stop between two of them is soon.
_SLAB_VALUES = 2**24


class BlendedSlabs:
    """Adds the windows of an image, in the order of `corners`, and hands to a sink what none of the later ones touches.

    Attributes
    ----------
    corners : list of (k, j, i)
        First voxel, on the padded grid, of every window that is needed.
    is_alone : bool
        Whether one window, which needs no blending, is the whole image.
    """

    def __init__(self, image: PaddedImage, window: Window, sink: Sink, streaming: Streaming) -> None:
        self._image, self._window, self._sink, self._streaming = image, window, sink, streaming
        self._axis = choose_axis(image.own_shape, window) if streaming.axis is None else streaming.axis
        first, last = streaming.planes or (0, image.own_shape[self._axis])
        self._planes = (first + image.offset[self._axis], last + image.offset[self._axis])
        self._size = window.tile[self._axis]
        self._weight = tile_weight(window)
        self._sums: Sums | None = None
        self.corners = self._list_corners()
        self.is_alone = len(self.corners) == 1 and window.tiling == "monai" and streaming.is_wanted is None

    def place_of(self, logits: Tensor) -> torch.device:
        """Blend on the GPU where the sums fit easily, else in main memory."""
        if self._sums is not None:
            return self._sums.device
        if logits.device.type != "cuda" or self._streaming.is_on_disk:
            return torch.device("cpu")
        needed = sums_bytes(self._image.shape, self._axis, self._n_held(logits.shape[1]), logits.shape[1])
        free, _ = torch.cuda.mem_get_info(logits.device)
        return logits.device if needed < free // 3 else torch.device("cpu")

    def add(self, corner: Shape3, logits: Tensor) -> Iterator[None]:
        """Add the logits (C, k, j, i) of the next window; yields after every slab that left."""
        if self.is_alone:
            first, last = self._planes
            self._hand(first, logits.narrow(self._axis + 1, first, last - first))
            return
        if self._sums is None:
            self._sums = self._make_sums(logits)
            self._weight = self._weight.to(self._sums.device)
        if not self._sums.has_room(corner[self._axis] + self._size):
            yield from self._hand_on(corner[self._axis])
        self._sums.add(corner, logits, self._weight)

    def finish(self) -> Iterator[None]:
        """Hand on what is left; yields after every slab."""
        return iter(()) if self.is_alone else self._hand_on(self._planes[1])

    def _list_corners(self) -> list[Shape3]:
        first, last = self._planes
        tiles = list_tiles(self._image.shape, self._window, self._axis)
        tiles = [one for one in tiles if first - self._size < one[self._axis] < last]
        is_wanted = self._streaming.is_wanted
        wanted = tiles if is_wanted is None else [one for one in tiles if is_wanted(self._image.to_own(one))]
        return wanted or tiles[:1]

    def _n_held(self, n_channels: int) -> int:
        n_wanted = self._planes[1] - self._planes[0]
        # Slices of a 2D network leave some at a time, as sinks work on slabs.
        plane_vox = self._image.shape[1] * self._image.shape[2]
        n = self._size if self._size > 1 else max(1, _SLAB_VALUES // (n_channels * plane_vox))
        return min(n, n_wanted)

    def _make_sums(self, logits: Tensor) -> Sums:
        streaming = self._streaming
        is_half = streaming.is_half or self._window.tiling == "nnunet"
        store = Store(logits.device, is_half, streaming.is_on_disk)
        background = None if streaming.background is None else torch.from_numpy(streaming.background)
        n_held = self._n_held(len(logits))
        return Sums(self._image.shape, self._axis, self._planes, n_held, len(logits), store, background)

    def _hand_on(self, end: int) -> Iterator[None]:
        assert self._sums is not None  # a window was added
        for plane, total in self._sums.pop(end, _SLAB_VALUES):
            self._hand(plane, total)
            yield

    def _hand(self, plane: int, total: Tensor) -> None:
        own = total[self._image.own_box(self._axis)]
        self._sink.take(plane - self._image.offset[self._axis], own.to("cpu", torch.float32).numpy())
