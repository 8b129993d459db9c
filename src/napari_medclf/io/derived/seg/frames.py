"""What a segmentation says about each of its frames: segment, source slice and place."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from napari_medclf.domain.arrays import FloatArray
from napari_medclf.domain.errors import ReadError
from napari_medclf.domain.geometry import Vector3
from napari_medclf.io.derived.reference import items
from napari_medclf.io.dicom import tags

_LARGEST_SEGMENT = 65535


@dataclass(frozen=True)
class SegFrame:
    """One frame.

    Parameters
    ----------
    number : int
        From 1, as in the file.
    segment : int or None
        Whose mask it is; None in a label map, which holds all segments.
    sources : tuple of (SOP instance UID, frame number or None)
        The slices it was made from.
    position : (x, y, z) or None
        LPS millimetres of its first pixel.
    """

    number: int
    segment: int | None
    sources: tuple[tuple[str, int | None], ...]
    position: Vector3 | None


@dataclass(frozen=True)
class FramePlane:
    """How frames lie: unit vectors along a row and down a column, and the spacing (row, column) in mm."""

    row: Vector3
    column: Vector3
    spacing_mm: tuple[float, float]


@dataclass(frozen=True)
class FrameSet:
    """All frames, which share their size and orientation.

    Parameters
    ----------
    plane : FramePlane or None
        None where the file tells no orientation or no spacing.
    spacing_mm : (row, column) or None
        Also where there is no orientation.
    step_mm, thickness_mm : float or None
        Declared distance of the slices of the grid, and how thick they are.
    """

    frames: tuple[SegFrame, ...]
    rows: int
    columns: int
    plane: FramePlane | None
    spacing_mm: tuple[float, float] | None
    step_mm: float | None
    thickness_mm: float | None
    warnings: tuple[str, ...] = ()

    def corners(self) -> FloatArray | None:
        """Give where frames lie; None where one of them does not tell.

        Returns
        -------
        (F, 3, 3) or None
            LPS millimetres, a frame each: its first voxel, the end of its first column, of its first row.
        """
        positions = [frame.position for frame in self.frames]
        if self.plane is None or None in positions:
            return None
        down = np.array(self.plane.column) * self.plane.spacing_mm[0] * (self.rows - 1)
        across = np.array(self.plane.row) * self.plane.spacing_mm[1] * (self.columns - 1)
        first = np.array(positions, dtype=np.float64)
        return np.stack([first, first + down, first + across], axis=1)


def read_frames(path: Path, dataset: Any) -> FrameSet:
    """Read the functional groups of a segmentation (DICOM PS3.3 A.51, C.8.20.3).

    Raises
    ------
    ReadError
        If they contradict each other, or the frames are tiles of a whole-slide image.
    """
    _check_not_tiled(path, dataset)
    shared = next(iter(items(dataset, "SharedFunctionalGroupsSequence")), None)
    groups = items(dataset, "PerFrameFunctionalGroupsSequence")
    n_frames = tags.count(path, dataset, "NumberOfFrames")
    if len(groups) != n_frames:
        raise ReadError(path, f"declares {n_frames} frames and describes {len(groups)} of them")
    is_label_map = tags.text(dataset, "SegmentationType") == "LABELMAP"
    notes: list[str] = []
    first, *others = [_plane(path, shared, group, notes) for group in groups]
    for number, other in enumerate(others, start=2):
        if not _alike(first, other):
            raise ReadError(path, f"has frames in several orientations or spacings, such as 1 and {number}")
    row, column, spacing, step, thickness = first
    return FrameSet(
        frames=tuple(_frame(path, shared, group, n, is_label_map) for n, group in enumerate(groups, start=1)),
        rows=tags.count(path, dataset, "Rows"),
        columns=tags.count(path, dataset, "Columns"),
        plane=None if row is None or column is None or spacing is None else FramePlane(row, column, spacing),
        spacing_mm=spacing,
        step_mm=step,
        thickness_mm=thickness,
        warnings=tuple(dict.fromkeys(notes)),
    )


_Plane = tuple[Vector3 | None, Vector3 | None, tuple[float, float] | None, float | None, float | None]


def _plane(path: Path, shared: Any, group: Any, notes: list[str]) -> _Plane:
    orientation = _group(shared, group, "PlaneOrientationSequence")
    row, column = (None, None) if orientation is None else tags.orientation(path, orientation, notes)
    measures = _group(shared, group, "PixelMeasuresSequence")
    if measures is None:
        return row, column, None, None, None
    spacing = tags.numbers(measures, "PixelSpacing")
    steps = tags.size_mm(measures, "SpacingBetweenSlices"), tags.size_mm(measures, "SliceThickness")
    if spacing is None:
        return row, column, None, *steps
    if len(spacing) != 2 or not all(0 < one < float("inf") for one in spacing):
        raise ReadError(path, "has a PixelSpacing that is not two positive numbers")
    return row, column, (spacing[0], spacing[1]), *steps


def _size(measures: Any, keyword: str) -> float | None:
    """Size of a number without its sign, None where it is missing or zero."""
    return abs(tags.number(measures, keyword, 0.0)) or None


def _alike(one: _Plane, other: _Plane) -> bool:
    flat, flat_other = ([*(plane[0] or ()), *(plane[1] or ()), *(plane[2] or ())] for plane in (one, other))
    return len(flat) == len(flat_other) and all(abs(a - b) <= 1e-4 for a, b in zip(flat, flat_other, strict=True))


def _frame(path: Path, shared: Any, group: Any, number: int, is_label_map: bool) -> SegFrame:
    place = _group(shared, group, "PlanePositionSequence")
    return SegFrame(
        number=number,
        segment=None if is_label_map else _segment(path, shared, group, number),
        sources=_sources(shared, group),
        position=None if place is None else tags.vector(path, place, "ImagePositionPatient"),
    )


def _segment(path: Path, shared: Any, group: Any, number: int) -> int:
    identification = _group(shared, group, "SegmentIdentificationSequence")
    segment = 0 if identification is None else int(tags.number(identification, "ReferencedSegmentNumber", 0))
    if not 1 <= segment <= _LARGEST_SEGMENT:
        raise ReadError(path, f"does not tell which segment its frame {number} belongs to")
    return segment


def _sources(shared: Any, group: Any) -> tuple[tuple[str, int | None], ...]:
    derivations = items(group, "DerivationImageSequence") or items(shared, "DerivationImageSequence")
    found: list[tuple[str, int | None]] = []
    for derivation in derivations:
        for source in items(derivation, "SourceImageSequence"):
            frames = tags.numbers(source, "ReferencedFrameNumber")
            uid = tags.text(source, "ReferencedSOPInstanceUID")
            found.extend([(uid, int(frame)) for frame in frames] if frames else [(uid, None)])
    return tuple(found)


def _group(shared: Any, group: Any, keyword: str) -> Any | None:
    """Find a functional group, of the frame or shared by all (PS3.3 C.7.6.16.1.1)."""
    own = items(group, keyword) or items(shared, keyword)
    return own[0] if own else None


def _check_not_tiled(path: Path, dataset: Any) -> None:
    is_tiled = tags.text(dataset, "DimensionOrganizationType").startswith("TILED")
    if is_tiled or "TotalPixelMatrixRows" in dataset:
        raise ReadError(path, "is a segmentation of a whole-slide image, which is not read")
