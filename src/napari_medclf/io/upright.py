"""Slices as radiologists look at them."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from napari_medclf.domain.geometry import Geometry

# Rows and columns grow towards Inferior, Posterior or Left: (LPS axis, sign).
_DOWN_AND_RIGHT = ((2, -1), (1, 1), (0, 1))
Plane = TypeVar("Plane", bound=NDArray[np.generic])


def turn_slice(plane: Plane, geometry: Geometry) -> Plane:
    """Turn rows and columns as the nearest axes of the patient ask for, without resampling.

    An axial slice gets Posterior below and the patient's Left on the right. A picture of one slice stays as its
    file has it.

    Parameters
    ----------
    plane : (J, I, ...)
        A slice k of `geometry`.
    """
    if geometry.is_flat:
        return plane
    axes = geometry.nearest_axes[1:]
    for position, (world, sign) in enumerate(axes):
        wanted = next(one for axis, one in _DOWN_AND_RIGHT if axis == world)
        plane = plane if sign == wanted else np.flip(plane, position)
    worlds = [world for world, _ in axes]
    order = [world for world, _ in _DOWN_AND_RIGHT if world in worlds]
    return plane if worlds == order else np.swapaxes(plane, 0, 1)
