"""How an array must be turned so that napari shows a patient as radiologists expect."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_medclf.domain.arrays import FloatArray
from napari_medclf.domain.geometry import Geometry, Shape3, Unit

# napari draws axis 0 away from the viewer, 1 down and 2 to the right; a volume is upright, and not
# mirrored in 3D, when these grow towards Inferior, Posterior and Left. (LPS axis, sign) a display axis:
_DISPLAY_AXES = ((2, -1), (1, 1), (0, 1))
_OPPOSITE = {"I": "S", "S": "I", "P": "A", "A": "P", "L": "R", "R": "L"}


@dataclass(frozen=True)
class DisplayFrame:
    """Turns arrays between the source order (k, j, i) and the order of display, without resampling.

    Parameters
    ----------
    order : tuple of int
        Source axis behind each display axis.
    flips : tuple of bool
        Which display axes run against their source axis.
    is_flat : bool
        Pictures keep their rows and columns and lose the slice axis.
    """

    order: Shape3
    flips: tuple[bool, bool, bool]
    is_flat: bool

    def to_display(self, array: NDArray[Any]) -> NDArray[Any]:
        """View an array (..., K, J, I) in display order, (..., J, I) for a flat one; copies nothing."""
        if self.is_flat:
            return array[..., 0, :, :]
        return self._flip(self._permute(array, self.order))

    def from_display(self, array: NDArray[Any]) -> NDArray[Any]:
        """View an array in display order as (..., K, J, I); the inverse of `to_display`."""
        if self.is_flat:
            return array[..., np.newaxis, :, :]
        inverse = (self.order.index(0), self.order.index(1), self.order.index(2))
        return self._permute(self._flip(array), inverse)

    def to_source_index(self, display_index: FloatArray, shape: Shape3) -> FloatArray:
        """Map a display index to the source index (k, j, i) of a grid of `shape`; not rounded."""
        if self.is_flat:
            return np.array([0.0, display_index[-2], display_index[-1]])
        source = np.zeros(3)
        for axis, (origin, flip) in enumerate(zip(self.order, self.flips, strict=True)):
            value = display_index[len(display_index) - 3 + axis]
            source[origin] = shape[origin] - 1 - value if flip else value
        return source

    def to_display_index(self, place: Sequence[float], shape: Shape3) -> FloatArray:
        """Map an index (k, j, i) of a grid of `shape` to that of the displayed array; not rounded."""
        if self.is_flat:
            return np.array([place[1], place[2]], dtype=np.float64)
        shown = [
            shape[origin] - 1 - place[origin] if flip else place[origin]
            for origin, flip in zip(self.order, self.flips, strict=True)
        ]
        return np.array(shown, dtype=np.float64)

    @property
    def slice_axis(self) -> int:
        """The display axis along which the slices were acquired."""
        return 0 if self.is_flat else self.order.index(0)

    @property
    def dims_order(self) -> tuple[int, ...]:
        """Value for ``viewer.dims.order`` that shows the acquired plane."""
        if self.is_flat:
            return (0, 1)
        return (self.slice_axis, *(axis for axis in range(3) if axis != self.slice_axis))

    def _flip(self, array: NDArray[Any]) -> NDArray[Any]:
        axes = tuple(axis - 3 for axis, flip in enumerate(self.flips) if flip)
        return np.flip(array, axes) if axes else array

    @staticmethod
    def _permute(array: NDArray[Any], order: Shape3) -> NDArray[Any]:
        leading = array.ndim - 3
        return array.transpose(*range(leading), *(leading + axis for axis in order))


def display_frame(geometry: Geometry) -> DisplayFrame:
    """Choose how a grid is turned: volumes to Inferior-Posterior-Left by their nearest axes.

    A picture of one slice stays as its file has it, as a radiograph or a photograph is read; so does a
    stack without a scale, which lies in no patient: its first page or frame is the first that is seen.
    """
    if geometry.is_flat or geometry.unit is Unit.PIXEL:
        return DisplayFrame((0, 1, 2), (False, False, False), is_flat=geometry.is_flat)
    axis_of = {world: (axis, sign) for axis, (world, sign) in enumerate(geometry.nearest_axes)}
    chosen = [axis_of[world] for world, _ in _DISPLAY_AXES]
    order = (chosen[0][0], chosen[1][0], chosen[2][0])
    flipped = [sign != wanted for (_, sign), (_, wanted) in zip(chosen, _DISPLAY_AXES, strict=True)]
    return DisplayFrame(order, (flipped[0], flipped[1], flipped[2]), is_flat=False)


@dataclass(frozen=True)
class Placement:
    """Where napari puts a layer: step, origin, unit and name of each display axis."""

    scale: tuple[float, ...]
    translate: tuple[float, ...]
    units: tuple[str, ...]
    axis_labels: tuple[str, ...]


def placement(geometry: Geometry, frame: DisplayFrame) -> Placement:
    """Place a grid in napari's world, where coordinates are (-z, y, x) of LPS.

    A tilt is left out (napari ignores the out-of-plane part of an affine): what is shown is
    orthogonal, the true affine stays in the layer's metadata.
    """
    unit = "mm" if geometry.unit is Unit.MILLIMETRE else "pixel"
    if frame.is_flat:
        return Placement(geometry.spacing[1:], (0.0, 0.0), (unit, unit), ("row", "column"))
    shown = geometry.permuted(frame.order, frame.flips)
    origin = shown.affine[:3, 3]
    return Placement(
        scale=shown.spacing,
        translate=tuple(float(sign * origin[world]) for world, sign in _DISPLAY_AXES),
        units=(unit,) * 3,
        axis_labels=("I", "P", "L") if geometry.unit is Unit.MILLIMETRE else ("slice", "row", "column"),
    )


def has_sides(geometry: Geometry) -> bool:
    """Whether it is known where in the patient a grid lies; of a single slice, its frame of reference tells."""
    return geometry.unit is Unit.MILLIMETRE and (not geometry.is_flat or bool(geometry.frame_of_reference_uid))


def flat_edge_letters(geometry: Geometry) -> dict[str, str]:
    """Name the sides of a single slice that lies in a patient: rows and columns are shown as they are stored."""
    down, right = geometry.axis_codes[1], geometry.axis_codes[2]
    return {"right": right, "left": _OPPOSITE[right], "bottom": down, "top": _OPPOSITE[down]}


def edge_letters(frame: DisplayFrame, displayed: tuple[int, ...]) -> dict[str, str]:
    """Name the side of the patient at each edge of the canvas.

    Parameters
    ----------
    displayed : (down, right)
        The two volume axes (0 I, 1 P, 2 L) that the canvas shows.

    Returns
    -------
    dict
        ``left``, ``right``, ``top``, ``bottom`` to a letter; empty for a picture.
    """
    if frame.is_flat or len(displayed) != 2:
        return {}
    down, right = ("IPL"[axis] for axis in displayed)
    return {"right": right, "left": _OPPOSITE[right], "bottom": down, "top": _OPPOSITE[down]}
