"""Which slice of a grid each contour lies on, and what lies on none."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from napari_medclf.domain.arrays import FloatArray
from napari_medclf.domain.derived import Contour
from napari_medclf.domain.geometry import Geometry

_SILENT_MM = 0.01
_SILENT = 0.01
_TOLERATED = 0.05
"""As for the slices of a series: 1 % of their distance in silence, 5 % with a warning, no more."""


@dataclass
class Placed:
    """Closed contours of one region by slice, and the reasons why others are on none.

    Parameters
    ----------
    by_slice : dict
        From the number of a slice to polygons (N, 2) in (j, i).
    off_mm : float
        The farthest that a contour which was placed lies off its slice.
    """

    by_slice: dict[int, list[FloatArray]] = field(default_factory=lambda: defaultdict(list))
    off_mm: float = 0.0
    between_mm: list[float] = field(default_factory=list)
    slanted_mm: list[float] = field(default_factory=list)
    outside_mm: list[float] = field(default_factory=list)

    def sentences(self, number: int, step_mm: float) -> list[str]:
        """Say what was left out or moved, with the region's number and millimetres."""
        found = []
        if self.off_mm > max(_SILENT_MM, _SILENT * step_mm):
            found.append(f"Region {number}: contours lie up to {self.off_mm:.3g} mm off the slices they were put on.")
        for distances, what in (
            (self.between_mm, "between slices (up to {:.3g} mm off the nearest)"),
            (self.slanted_mm, "not flat on a slice (up to {:.3g} mm across slices)"),
            (self.outside_mm, "outside the images (up to {:.3g} mm beyond the last slice)"),
        ):
            if distances:
                where = what.format(max(distances))
                found.append(
                    f"Region {number}: {len(distances)} of its contours lie {where}; they were kept and not filled."
                )
        return found


def place_contours(contours: Sequence[Contour], geometry: Geometry, slices_k: FloatArray) -> Placed:
    """Sort closed contours onto slices, sheared or oblique as they may be.

    A contour belongs to a slice when all its points lie within 5 % of the distance of slices from it. Open
    lines and points cover nothing and are passed over.

    Parameters
    ----------
    slices_k : (N,)
        Where the slices lie along axis k, from low to high; `Placed.by_slice` counts these.
    """
    placed = Placed()
    step = step_mm(geometry)
    tolerance = max(_SILENT_MM, _TOLERATED * step) / step
    for contour in contours:
        if contour.is_closed:
            _place(geometry.to_index(contour.points), slices_k, step, tolerance, placed)
    return placed


def step_mm(geometry: Geometry) -> float:
    """Distance of two slices along their normal, in `Geometry.unit`; less than the step where they are tilted."""
    return float(abs(np.linalg.det(geometry.affine[:3, :3]))) / geometry.pixel_area


def _place(index: FloatArray, slices_k: FloatArray, step: float, tolerance: float, placed: Placed) -> None:
    k = index[:, 0]
    nearest = int(np.abs(slices_k - k.mean()).argmin())
    off = float(np.abs(k - slices_k[nearest]).max())
    if off <= tolerance:
        placed.by_slice[nearest].append(index[:, 1:])
        placed.off_mm = max(placed.off_mm, off * step)
    elif float(np.ptp(k)) > 2 * tolerance:
        placed.slanted_mm.append(float(np.ptp(k)) * step)
    elif k.min() < slices_k[0] - tolerance or k.max() > slices_k[-1] + tolerance:
        placed.outside_mm.append(max(slices_k[0] - k.min(), k.max() - slices_k[-1]) * step)
    else:
        placed.between_mm.append(off * step)
