"""Where a voxel lies in the patient: an affine from array index to LPS millimetres."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property

import numpy as np

from napari_medclf.domain.arrays import FloatArray
from napari_medclf.domain.errors import GridError

Shape3 = tuple[int, int, int]
Vector3 = tuple[float, float, float]

# DICOM PS3.3 C.7.6.2.1.1: x grows to the patient's Left, y to Posterior, z to Superior.
_LPS_LETTERS = (("R", "L"), ("A", "P"), ("I", "S"))


class Unit(StrEnum):
    """What one step of the world frame means."""

    MILLIMETRE = "mm"
    PIXEL = "px"


@dataclass(frozen=True, eq=False)
class Geometry:
    """The grid of an image.

    Parameters
    ----------
    affine : (4, 4) float64
        Maps the array index (k, j, i, 1) = (slice, row, column, 1) to LPS world coordinates
        (x, y, z, 1): x towards Left, y towards Posterior, z towards Superior.
    shape : (K, J, I)
        Slices, rows, columns; a flat image has K = 1.
    frame_of_reference_uid : str
        DICOM's Frame of Reference UID, empty where unknown.
    unit : Unit
        Millimetres, or pixels for images that carry no scale.

    Raises
    ------
    GridError
        If the affine is not finite or singular, or a dimension is not positive.
    """

    affine: FloatArray
    shape: Shape3
    frame_of_reference_uid: str = ""
    unit: Unit = Unit.MILLIMETRE

    def __post_init__(self) -> None:
        affine = np.array(self.affine, dtype=np.float64)
        if affine.shape != (4, 4) or not np.isfinite(affine).all():
            raise GridError(f"An affine must be 4 x 4 finite numbers, not {affine.tolist()}.")
        if abs(np.linalg.det(affine[:3, :3])) < 1e-12:
            raise GridError(f"The affine is singular (a spacing of zero?): {affine[:3, :3].tolist()}.")
        if len(self.shape) != 3 or min(self.shape) < 1:
            raise GridError(f"A grid has three positive dimensions, not {self.shape}.")
        affine.setflags(write=False)
        object.__setattr__(self, "affine", affine)
        object.__setattr__(self, "shape", tuple(int(n) for n in self.shape))

    @classmethod
    def from_spacing(
        cls,
        shape: Shape3,
        spacing: Vector3 = (1.0, 1.0, 1.0),
        *,
        origin: Vector3 = (0.0, 0.0, 0.0),
        unit: Unit = Unit.MILLIMETRE,
    ) -> Geometry:
        """Build an axial grid: k towards Superior, j towards Posterior, i towards Left.

        Parameters
        ----------
        spacing : (k, j, i)
            Step of each array axis.
        origin : (x, y, z)
            LPS position of voxel (0, 0, 0).
        """
        affine = np.eye(4)
        affine[:3, :3] = np.array([[0, 0, spacing[2]], [0, spacing[1], 0], [spacing[0], 0, 0]])
        affine[:3, 3] = origin
        return cls(affine, shape, unit=unit)

    @classmethod
    def flat(cls, rows: int, columns: int) -> Geometry:
        """Build the grid of a picture without a scale: one slice, one pixel a step."""
        return cls.from_spacing((1, rows, columns), unit=Unit.PIXEL)

    @cached_property
    def spacing(self) -> Vector3:
        """Step of the axes (k, j, i), in `unit`."""
        k, j, i = np.linalg.norm(self.affine[:3, :3], axis=0)
        return (float(k), float(j), float(i))

    @cached_property
    def directions(self) -> FloatArray:
        """(3, 3) unit vectors in LPS, one column an array axis (k, j, i)."""
        return np.asarray(self.affine[:3, :3] / np.asarray(self.spacing), dtype=np.float64)

    @property
    def is_flat(self) -> bool:
        """Whether the image has a single slice."""
        return self.shape[0] == 1

    @cached_property
    def shear_deg(self) -> float:
        """Largest departure of two axes from a right angle, in degrees; a gantry tilt shows here."""
        gram = np.abs(self.directions.T @ self.directions)
        off_diagonal = max(gram[0, 1], gram[0, 2], gram[1, 2])
        return float(np.degrees(np.arcsin(min(off_diagonal, 1.0))))

    @property
    def is_sheared(self) -> bool:
        """Whether the axes are not orthogonal (more than 0.1 degrees)."""
        return self.shear_deg > 0.1

    @cached_property
    def is_oblique(self) -> bool:
        """Whether an axis points away from the patient's axes by more than about 0.1 degrees."""
        return bool(np.max(np.abs(self.directions), axis=0).min() < np.cos(np.radians(0.1)))

    @cached_property
    def nearest_axes(self) -> tuple[tuple[int, int], ...]:
        """For each array axis the nearest LPS axis (0 x, 1 y, 2 z) and its sign; each LPS axis once."""
        remaining = np.abs(self.directions).copy()
        found: dict[int, tuple[int, int]] = {}
        for _ in range(3):
            world, axis = np.unravel_index(int(np.argmax(remaining)), (3, 3))
            sign = 1 if self.directions[world, axis] > 0 else -1
            found[int(axis)] = (int(world), sign)
            remaining[world, :] = -1
            remaining[:, axis] = -1
        return tuple(found[axis] for axis in range(3))

    @property
    def axis_codes(self) -> str:
        """Letters of where the axes (k, j, i) point, such as ``"SPL"`` for an axial series."""
        return "".join(_LPS_LETTERS[world][sign > 0] for world, sign in self.nearest_axes)

    @property
    def voxel_volume_ml(self) -> float:
        """Volume of a voxel in millilitres (meaningless for pixels without a scale)."""
        return float(abs(np.linalg.det(self.affine[:3, :3]))) / 1000.0

    @property
    def pixel_area(self) -> float:
        """Area of a pixel of one slice, in `unit` squared."""
        return float(np.linalg.norm(np.cross(self.affine[:3, 1], self.affine[:3, 2])))

    def to_world(self, index: FloatArray) -> FloatArray:
        """Map indices (..., 3) in (k, j, i) to LPS coordinates (..., 3) in (x, y, z)."""
        return np.asarray(np.asarray(index) @ self.affine[:3, :3].T + self.affine[:3, 3])

    def to_index(self, world: FloatArray) -> FloatArray:
        """Map LPS coordinates (..., 3) to indices (..., 3) in (k, j, i); not rounded."""
        inverse = np.linalg.inv(self.affine)
        return np.asarray(np.asarray(world) @ inverse[:3, :3].T + inverse[:3, 3])

    def same_grid(self, other: Geometry, tolerance: float = 1e-3) -> bool:
        """Whether every voxel of both lies at the same place, within `tolerance` (mm or px)."""
        if self.shape != other.shape or self.unit != other.unit:
            return False
        corners = np.array(np.meshgrid(*[(0, n - 1) for n in self.shape])).reshape(3, -1).T
        return bool(np.abs(self.to_world(corners) - other.to_world(corners)).max() <= tolerance)

    def cropped(self, start: Shape3, shape: Shape3) -> Geometry:
        """Grid of a block that begins at index `start`; may reach outside."""
        affine = self.affine.copy()
        affine[:3, 3] = self.to_world(np.asarray(start, dtype=np.float64))
        return replace(self, affine=affine, shape=shape)

    def permuted(self, order: Shape3, flips: tuple[bool, bool, bool]) -> Geometry:
        """Grid after ``np.flip(np.transpose(data, order), axes where flips)``; voxels stay in place."""
        affine = self.affine.copy()
        affine[:3, :3] = affine[:3, list(order)]
        shape = (self.shape[order[0]], self.shape[order[1]], self.shape[order[2]])
        for axis, flip in enumerate(flips):
            if flip:
                affine[:3, 3] += affine[:3, axis] * (shape[axis] - 1)
                affine[:3, axis] *= -1
        return replace(self, affine=affine, shape=shape)

    def resampled(self, shape: Shape3) -> Geometry:
        """Grid of another voxel count over the same box (edges aligned, as pixels are areas)."""
        factor = np.asarray(self.shape, dtype=np.float64) / np.asarray(shape, dtype=np.float64)
        affine = self.affine.copy()
        affine[:3, 3] = self.to_world((factor - 1) / 2)
        affine[:3, :3] = self.affine[:3, :3] * factor
        return replace(self, affine=affine, shape=shape)

    def explain_difference(self, other: Geometry) -> str:
        """Say in words where two grids differ, for errors and warnings; empty if they do not."""
        if self.same_grid(other):
            return ""
        if self.shape != other.shape:
            return f"shape (k, j, i) is {other.shape}, not {self.shape}"
        if self.unit != other.unit:
            return f"unit is {other.unit}, not {self.unit}"
        if not np.allclose(self.spacing, other.spacing, atol=1e-4):
            return f"spacing (k, j, i) is {_round(other.spacing)}, not {_round(self.spacing)}"
        if not np.allclose(self.directions, other.directions, atol=1e-4):
            return f"orientation is {other.axis_codes}, not {self.axis_codes}, or rotated"
        shift = other.affine[:3, 3] - self.affine[:3, 3]
        return f"origin is shifted by {_round(shift)} mm (x, y, z in LPS)"


def _round(values: Vector3 | FloatArray) -> tuple[float, ...]:
    return tuple(round(float(value), 4) for value in values)
