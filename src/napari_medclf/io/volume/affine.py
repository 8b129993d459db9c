"""Places that no patient has."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from napari_medclf.domain.arrays import FloatArray
from napari_medclf.domain.errors import ReadError

_FARTHEST_MM = 1e6
"""A kilometre from the isocentre, and a voxel of a kilometre."""


def check_affine(path: Path, affine: FloatArray) -> None:
    """Refuse an affine that is not finite, or whose numbers can only be damage.

    Raises
    ------
    ReadError
        With the largest number.
    """
    if not np.isfinite(affine).all():
        raise ReadError(path, "has a place that is not made of finite numbers", "Its header is damaged.")
    largest = float(np.abs(affine).max())
    if largest > _FARTHEST_MM:
        raise ReadError(path, f"has a place with the number {largest:.3g} mm in it", "Its header is damaged.")
