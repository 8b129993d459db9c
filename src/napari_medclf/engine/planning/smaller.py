"""Windows for less memory."""

from __future__ import annotations

from dataclasses import replace

from napari_medclf.domain.card import ModelCard
from napari_medclf.engine.networks import has_one_size
from napari_medclf.engine.sliding.window import Window

_FIXED_SIZE_BACKENDS = ("onnx",)
_SMALLEST_VOX = 32


def smaller_window(window: Window, card: ModelCard) -> Window | None:
    """Halve the longest side of a window, where the network can take that.

    Returns
    -------
    Window or None
        None where it cannot be smaller: networks of fixed size, or less than 32 voxels a side.
    """
    is_fixed = has_one_size(card.network) or card.backend in _FIXED_SIZE_BACKENDS
    sizes = list(window.tile[3 - window.spatial_dims :])
    longest = max(range(len(sizes)), key=sizes.__getitem__)
    half = max(sizes[longest] // 2 // window.divisible_by, 1) * window.divisible_by
    if is_fixed or half < _SMALLEST_VOX or half >= sizes[longest]:
        return None
    sizes[longest] = half
    return replace(window, patch_vox=tuple(sizes), batch=1)
