"""What a planned network takes: the whole image at one size, or patches of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from napari_medclf.domain.input_spec import InputSpec
from napari_medclf.engine.recipes.look import DataLook

IMAGE_VOX = {2: 128, 3: 48}
"""Longest side a whole image is shrunk to."""
PATCH_VOX = {2: 256 * 256, 3: 96_000}
"""A step of this size takes a fraction of a second on a laptop."""
_SMALLEST_IMAGE_VOX = 8
_SMALLEST_SIDE_VOX = 32
"""In the plane of a patch: the lowest level of a U-Net needs more than one voxel to normalise over."""


def whole_image(look: DataLook, *, shortest_vox: int = _SMALLEST_IMAGE_VOX, multiple: int = 1) -> InputSpec:
    """Resize every image to one size, no longer than `IMAGE_VOX`.

    Parameters
    ----------
    shortest_vox : int
        Every side at least: networks that halve their input often need so much, and small images are enlarged for
        them, in proportion as far as `IMAGE_VOX` lets them.
    multiple : int
        Every side is a multiple of it.
    """
    size = look.size_vox()
    longest = min(max(max(size), shortest_vox * max(size) / min(size)), IMAGE_VOX[look.spatial_dims])
    sides = tuple(max(_rounded(one * longest / max(size), multiple), shortest_vox) for one in size)
    return InputSpec(**_common(look), resize_to=sides, patch_vox=sides)


def patches(look: DataLook, divisor: int, most_vox: int | None = None) -> InputSpec:
    """See patches of the images at their median spacing.

    Parameters
    ----------
    divisor : int
        Every side is a multiple of it: what a network halves n times needs multiples of 2**n.
    most_vox : int or None
        The longest side is cut until a patch has no more voxels than this; None takes `PATCH_VOX`.
    """
    spacing_mm = look.spacing_mm
    patch = cut_patch(look.size_vox(spacing_mm), divisor, most_vox or PATCH_VOX[look.spatial_dims])
    return InputSpec(**_common(look), spacing_mm=spacing_mm, patch_vox=patch, divisible_by=divisor)


def cut_patch(size: Sequence[float], divisor: int, most_vox: int) -> tuple[int, ...]:
    """Shrink the longest side until the patch is small enough; sides are multiples of the divisor."""
    patch = [divisor * max(round(one / divisor), 1) for one in size]
    patch[-2:] = [max(one, _SMALLEST_SIDE_VOX) for one in patch[-2:]]
    while np.prod(patch) > most_vox:
        patch[int(np.argmax(patch))] -= divisor
    return tuple(patch)


def _common(look: DataLook) -> dict[str, Any]:
    return {
        "spatial_dims": look.spatial_dims,
        "channels": look.channels,
        "intensity": look.intensity,
        "modality": look.modality,
        "axis_codes": look.axis_codes,
    }


def _rounded(side: float, multiple: int) -> int:
    return max(multiple * round(side / multiple), multiple, _SMALLEST_IMAGE_VOX)
