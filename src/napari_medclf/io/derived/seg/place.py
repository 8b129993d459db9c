"""Where the frames of a segmentation belong: on slices of their source image, or on a grid of their own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_medclf.domain.arrays import FloatArray
from napari_medclf.domain.errors import ReadError
from napari_medclf.domain.geometry import Geometry
from napari_medclf.io.derived.acquired import acquired_k, planes_of_slices
from napari_medclf.io.derived.seg.frames import FrameSet, SegFrame
from napari_medclf.io.derived.source_grid import SourceGrid

_SILENT_MM = 0.01
_SILENT = 0.01
_TOLERATED = 0.05
_SAME_PLACE_MM = 1e-3
_HALF_VOXEL = 0.5
_MOST_SKIPPED = 20
_TALLEST_MM = 1e4


@dataclass(frozen=True, eq=False)
class FramePlaces:
    """A grid, and which of its slices every frame is.

    Parameters
    ----------
    slices : tuple of int
        One a frame.
    n_slices : int
        How many slices there are; they become planes of the grid by `planes`.
    planes : (K,) integer
        Which slice fills each plane; -1 leaves it empty.
    """

    geometry: Geometry
    slices: tuple[int, ...]
    n_slices: int
    planes: NDArray[np.intp]
    is_on_source_grid: bool = False
    warnings: tuple[str, ...] = ()


def place_on_source(path: Path, frames: FrameSet, grid: SourceGrid) -> FramePlaces | str:
    """Find the slice of its source for every frame, by the instance it names, checked against its position.

    Returns
    -------
    FramePlaces, or a sentence that says why the frames do not lie on the grid.

    Raises
    ------
    ReadError
        If a frame names one slice and lies on another.
    """
    if (frames.rows, frames.columns) != grid.geometry.shape[1:]:
        found, expected = f"{frames.rows} x {frames.columns}", "{} x {}".format(*grid.geometry.shape[1:])
        return f"Its frames have {found} pixels, and those of the image it was made for {expected}."
    corners = frames.corners()
    if corners is not None and not _is_parallel(corners[0], grid):
        return "Its frames are turned against those of the image it was made for, or have pixels of another size."
    slices: list[int] = []
    off_mm = np.zeros(len(frames.frames))
    for n, frame in enumerate(frames.frames):
        number = _find_slice(frame, None if corners is None else corners[n], grid)
        if number is None:
            return f"Frame {frame.number} lies on no slice of the image it was made for."
        if corners is not None:
            off_mm[n] = _distance_mm(corners[n], grid, number)
            _check_not_elsewhere(path, frame, corners[n], grid, number)
        slices.append(number)
    notes = list(frames.warnings)
    if off_mm.max() > max(_SILENT_MM, _SILENT * grid.geometry.spacing[0]):
        worst = int(np.argmax(off_mm))
        notes.append(f"Frame {worst + 1} lies {off_mm[worst]:.3g} mm off the slice it was made from.")
    planes = planes_of_slices(grid)
    return FramePlaces(
        grid.geometry, tuple(slices), grid.n_acquired, planes, is_on_source_grid=True, warnings=tuple(notes)
    )


def place_alone(path: Path, frames: FrameSet, frame_of_reference_uid: str = "") -> FramePlaces:
    """Build a grid from the positions of the frames; slices between them that have no frame stay empty.

    Raises
    ------
    ReadError
        If no even steps lead through all positions.
    """
    corners, plane = frames.corners(), frames.plane
    if corners is None or plane is None:
        return _place_flat(path, frames)
    positions = corners[:, 0]
    normal = np.cross(plane.row, plane.column)
    normal /= np.linalg.norm(normal)
    along = positions @ normal
    numbers, step, notes = _even_steps(path, positions, along, frames.step_mm)
    affine = np.eye(4)
    affine[:3, 0] = normal * (frames.step_mm or frames.thickness_mm or 1.0) if step is None else step
    affine[:3, 1] = np.array(plane.column) * plane.spacing_mm[0]
    affine[:3, 2] = np.array(plane.row) * plane.spacing_mm[1]
    affine[:3, 3] = positions[np.argmin(along)]
    n_slices = int(numbers.max()) + 1
    geometry = Geometry(affine, (n_slices, frames.rows, frames.columns), frame_of_reference_uid)
    return FramePlaces(
        geometry,
        tuple(numbers.tolist()),
        n_slices,
        np.arange(n_slices),
        warnings=(*frames.warnings, *notes),
    )


def _is_parallel(corners: FloatArray, grid: SourceGrid) -> bool:
    """Whether the rows and columns of a frame run as those of a grid do, to half a voxel at their ends."""
    found = np.diff(grid.geometry.to_index(corners[[1, 0, 2]]), axis=0)
    expected = np.diff(_slice_corners(grid, 0)[[1, 0, 2]], axis=0)
    return bool(np.abs(found - expected).max() <= _HALF_VOXEL)


def _find_slice(frame: SegFrame, corners: FloatArray | None, grid: SourceGrid) -> int | None:
    """Tell the slice that a frame names; where it names none or several, the one it lies on."""
    found = (grid.find_slice(uid, number) for uid, number in frame.sources)
    named = {number for number in found if number is not None}
    if len(named) == 1:
        return named.pop()
    return None if corners is None else _lying_slice(corners, grid)


def _lying_slice(corners: FloatArray, grid: SourceGrid) -> int | None:
    """Tell which slice a frame lies on by its place alone, to within the tolerance."""
    k = grid.geometry.to_index(corners[0])[0]
    number = int(np.argmin(np.abs(acquired_k(grid) - k)))
    tolerance_mm = max(_SILENT_MM, _TOLERATED * grid.geometry.spacing[0])
    return number if _distance_mm(corners, grid, number) <= tolerance_mm else None


def _distance_mm(corners: FloatArray, grid: SourceGrid, number: int) -> float:
    """Tell how far the farthest corner of a frame lies from that of a slice."""
    expected = grid.geometry.to_world(_slice_corners(grid, number))
    return float(np.linalg.norm(corners - expected, axis=1).max())


def _check_not_elsewhere(path: Path, frame: SegFrame, corners: FloatArray, grid: SourceGrid, number: int) -> None:
    off_vox = np.abs(grid.geometry.to_index(corners) - _slice_corners(grid, number)).max()
    if off_vox > _HALF_VOXEL:
        off_mm = _distance_mm(corners, grid, number)
        raise ReadError(
            path,
            f"contradicts itself: frame {frame.number} names slice {number + 1} of its image, and lies {off_mm:.4g} mm "
            "off it",
            "Its masks cannot be placed safely.",
        )


def _slice_corners(grid: SourceGrid, number: int) -> FloatArray:
    """(3, 3) indices (k, j, i) of the first voxel of a slice and of the ends of its first column and row."""
    k = acquired_k(grid)[number]
    _, rows, columns = grid.geometry.shape
    return np.array([(k, 0, 0), (k, rows - 1, 0), (k, 0, columns - 1)], dtype=np.float64)


def _place_flat(path: Path, frames: FrameSet) -> FramePlaces:
    """Put frames without a position on one picture, which they must all be made from."""
    sources = {frame.sources for frame in frames.frames}
    if len(sources) > 1:
        raise ReadError(
            path,
            f"does not tell where its frames lie, and they come from {len(sources)} pictures",
            "Open it together with the images it was made for.",
        )
    geometry = Geometry.flat(frames.rows, frames.columns)
    if frames.spacing_mm is not None:
        geometry = Geometry.from_spacing(geometry.shape, (1.0, *frames.spacing_mm))
    note = "It does not tell where in the patient its labels lie, and its image is not at hand."
    return FramePlaces(geometry, (0,) * len(frames.frames), 1, np.arange(1), warnings=(*frames.warnings, note))


def _even_steps(
    path: Path, positions: FloatArray, along: FloatArray, declared_mm: float | None
) -> tuple[NDArray[np.intp], FloatArray | None, list[str]]:
    """Number the positions by even steps along the normal; None as step where all lie in one plane."""
    order = np.argsort(along, kind="stable")
    gaps = np.diff(along[order])
    if gaps.sum() > _TALLEST_MM:
        raise ReadError(path, f"has frames {gaps.sum() / 1000:.0f} m apart, which no patient spans")
    real = gaps[gaps > _SAME_PLACE_MM]
    if not real.size:
        return np.zeros(len(along), dtype=np.intp), None, []
    for step_mm in _candidates(real, declared_mm):
        numbers = np.rint((along - along.min()) / step_mm).astype(np.intp)
        last, first = np.argmax(along), np.argmin(along)
        step = (positions[last] - positions[first]) / numbers[last]
        off = np.linalg.norm(positions - positions[first] - numbers[:, None] * step, axis=1)
        if off.max() <= max(_SILENT_MM, _TOLERATED * step_mm):
            noted = off.max() > max(_SILENT_MM, _SILENT * step_mm)
            worst = int(np.argmax(off))
            note = f"Its frames stray from even steps, frame {worst + 1} by {off.max():.3g} mm."
            return numbers, np.asarray(step), [note] if noted else []
    listing = ", ".join(f"{gap:.4g}" for gap in sorted(set(np.round(real, 3).tolist()))[:4])
    raise ReadError(
        path,
        f"has frames that are unevenly far apart ({listing} mm), and its image is not at hand",
        "Open it together with the images it was made for.",
    )


def _candidates(gaps: FloatArray, declared_mm: float | None) -> list[float]:
    """Steps to try, in mm: what the file declares, where it may be, then the smallest gap."""
    smallest = float(np.min(gaps))
    is_likely = declared_mm is not None and smallest / _MOST_SKIPPED < declared_mm < smallest * (1 + _TOLERATED)
    return [declared_mm, smallest] if declared_mm is not None and is_likely else [smallest]
