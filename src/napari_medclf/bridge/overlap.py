"""Whether images that are shown upright lie on each other as they do in the patient."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

import numpy as np

from napari_medclf.bridge.orientation import display_frame, placement
from napari_medclf.domain.arrays import FloatArray
from napari_medclf.domain.geometry import Geometry, Unit

TOLERATED_MM = 1.0
"""Apart by less, two images count as lying on each other."""


def shown_apart_mm(one: Geometry, other: Geometry) -> float:
    """Tell how far apart a place of the patient is shown, at worst, in two volumes.

    napari is given every volume upright, so two volumes that are turned differently do not overlay as they do in
    the patient. Volumes along the patient's axes, and those of the same directions, do: 0.

    Notes
    -----
    Takes the corners of the smaller volume through both grids; the difference is affine, so that no place
    between them is farther apart.
    """
    if any(grid.is_flat or grid.unit is not Unit.MILLIMETRE for grid in (one, other)):
        return 0.0
    small, large = sorted((one, other), key=lambda grid: abs(float(np.linalg.det(grid.affine[:3, :3]))) * _n(grid))
    corners = np.array(list(itertools.product(*[(0.0, n - 1.0) for n in small.shape])))
    in_large = large.to_index(small.to_world(corners))
    return float(np.linalg.norm(_shown(small, corners) - _shown(large, in_large), axis=1).max())


def apart_sentence(name: str, geometry: Geometry, others: Iterable[tuple[str, Geometry]]) -> str:
    """Warn of the first image that another one does not lie on; empty where all is well."""
    for other_name, other in others:
        apart_mm = shown_apart_mm(geometry, other)
        if apart_mm > TOLERATED_MM:
            return (
                f"{name} and {other_name} are turned differently, and the viewer shows both upright: on the screen "
                f"they lie up to {apart_mm:.0f} mm off each other. The millimetres and saved files are exact."
            )
    return ""


def _shown(geometry: Geometry, index: FloatArray) -> FloatArray:
    """Where indices (N, 3) in (k, j, i) are shown, (N, 3) in napari's world."""
    frame = display_frame(geometry)
    place = placement(geometry, frame)
    axes = []
    for axis, (source, flip) in enumerate(zip(frame.order, frame.flips, strict=True)):
        steps = geometry.shape[source] - 1 - index[:, source] if flip else index[:, source]
        axes.append(place.translate[axis] + place.scale[axis] * steps)
    return np.stack(axes, axis=1)


def _n(geometry: Geometry) -> int:
    return int(np.prod(geometry.shape))
