"""What a written file was found to hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from napari_medclf.domain.arrays import FloatArray, PixelArray
from napari_medclf.domain.geometry import Vector3


@dataclass(frozen=True, eq=False)
class Found:
    """Samples and place, as another program would find them.

    Parameters
    ----------
    data : (K, J, I) or (C, K, J, I)
    affine_lps : (4, 4) or None
        Of (k, j, i, 1) to LPS millimetres; None where the format keeps no place.
    spacing_mm : (k, j, i) or None
        None where the file tells no scale.
    names : dict
        Class names by label value, where the format keeps them.
    """

    data: PixelArray
    affine_lps: FloatArray | None = None
    spacing_mm: Vector3 | None = None
    names: Mapping[int, str] = field(default_factory=dict)


class ReopenError(Exception):
    """The file is not what a file of its format is."""
