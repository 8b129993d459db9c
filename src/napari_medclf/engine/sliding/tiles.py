"""Where the windows of an image lie, and in which order they are asked."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from napari_medclf.domain.geometry import Shape3
from napari_medclf.engine.sliding.nnunet_window import nnunet_starts
from napari_medclf.engine.sliding.window import Window


def choose_axis(shape: Sequence[int], window: Window) -> int:
    """Choose the axis (of K, J, I) along which finished logits leave: the longest, in windows.

    Notes
    -----
    A 2D network leaves slice by slice. nnU-Net's half-precision sums depend on the order of its windows, which is
    that of axis 0.
    """
    if window.spatial_dims == 2 or window.tiling == "nnunet":
        return 0
    lengths = [max(n, size) / size for n, size in zip(shape, window.tile, strict=True)]
    return max(range(3), key=lengths.__getitem__)


def list_tiles(shape: Sequence[int], window: Window, axis: int) -> list[Shape3]:
    """List the first voxel of every tile, those that come first along `axis` first; the image holds a tile at least."""
    starts = [list_starts(n, size, window) for n, size in zip(shape, window.tile, strict=True)]
    order = [axis, *(other for other in range(3) if other != axis)]
    corners = []
    for ordered in itertools.product(*(starts[one] for one in order)):
        place = dict(zip(order, ordered, strict=True))
        corners.append((place[0], place[1], place[2]))
    return corners


def list_starts(n: int, size: int, window: Window) -> list[int]:
    """List where the tiles of one axis begin: at a fixed step, the last one at the end (MONAI), or evenly (nnU-Net)."""
    if window.tiling == "nnunet":
        return nnunet_starts(n, size, window.overlap if size > 1 else 0.0)
    if n == size:
        return [0]
    step = max(1, int(size * (1 - window.overlap)))
    return [min(start, n - size) for start in range(0, n - size + step, step)]
