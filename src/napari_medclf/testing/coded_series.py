"""DICOM series in which each voxel's value is its own number, so that its true place in the patient is known.

A voxel of code n belongs to plane n // (J * I) and pixel n % (J * I) of it; its place follows from that plane's own
corner, directions and spacing (DICOM PS3.3 C.7.6.2.1.1), whatever a reader made of the series.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from napari_medclf.domain.arrays import FloatArray
from napari_medclf.domain.geometry import Vector3
from napari_medclf.testing.dicom_bytes import Syntax

UID_ROOT = "1.2.826.0.1.3680043.8.498.77"
PLANTED_NAME = "SECRET^JANE"
"""The patient's name in every coded and malformed file; no message, log or file name may hold it."""
PLANTED_ID = "MRN-4711-SECRET"

N_SLICES, ROWS, COLUMNS = 9, 7, 5
STEP_MM, ROW_MM, COLUMN_MM = 2.5, 0.75, 0.6
_CORNER = np.array([-31.25, 12.375, 104.5])


class Expected(StrEnum):
    """What may come of a series; a wrong place without a word never."""

    EXACT = "exact"
    """Read, every voxel where it belongs."""
    TOLERATED = "tolerated"
    """Read, off by no more than the series itself is uneven; with a warning above 1 % of the step."""
    REFUSED = "refused"
    """No affine holds it: refused with slice numbers and millimetres."""
    UNPLACED = "unplaced"
    """It does not tell its place: pictures with a warning, or refused."""


@dataclass(frozen=True)
class Plane:
    """One acquired slice: where its first pixel's centre lies, and which way its rows and columns run.

    Parameters
    ----------
    corner : (x, y, z)
        LPS millimetres.
    row, column : (x, y, z)
        Unit vectors along a row (growing i) and down a column (growing j).
    time : int
        From 1 in a series over time, else 0.
    stack : int
        Which image of several it belongs to.
    """

    corner: Vector3
    row: Vector3
    column: Vector3
    time: int = 0
    stack: int = 0
    row_mm: float = ROW_MM
    column_mm: float = COLUMN_MM


@dataclass(frozen=True)
class CodedSeries:
    """A series and the truth about it; `coded_files.write_coded` makes files of it.

    Parameters
    ----------
    planes : tuple of Plane
        Plane p holds the codes ``p * ROWS * COLUMNS`` and on, row by row.
    slope, intercept : float
        A sample is ``slope * stored + intercept``, and equals the code after `codes_of`.
    offset : int
        Added to every code before it is stored, negative for signed samples.
    direction_error : float
        What the directions in the files are longer than unit vectors, or off the right angle.
    n_images : int
        How many images belong to it.
    """

    name: str
    planes: tuple[Plane, ...]
    expected: Expected = Expected.EXACT
    stray_mm: float = 0.0
    needs_warning: bool = False
    syntax: Syntax = Syntax.EXPLICIT_LITTLE
    bits: int = 16
    offset: int = 0
    slope: float = 1.0
    intercept: float = 0.0
    direction_error: float = 0.0
    is_enhanced: bool = False
    is_shuffled: bool = False
    has_place: bool = True
    tells_time_by: str = "TemporalPositionIdentifier"
    copies: tuple[int, ...] = ()
    n_images: int = 1

    @property
    def n_voxels(self) -> int:
        """How many codes there are."""
        return len(self.planes) * ROWS * COLUMNS

    def stored(self, plane: int) -> NDArray[np.integer]:
        """Samples of a plane as they are stored, (J, I)."""
        first = plane * ROWS * COLUMNS + self.offset
        codes = np.arange(first, first + ROWS * COLUMNS).reshape(ROWS, COLUMNS)
        return codes.astype(f"{'i' if self.offset < 0 else 'u'}{self.bits // 8}")

    def codes_of(self, samples: NDArray[np.generic]) -> NDArray[np.int64]:
        """Bring samples as a reader gives them back to codes.

        Raises
        ------
        ValueError
            If one is no code of this series.
        """
        codes = (np.asarray(samples, dtype=np.float64) - self.intercept) / self.slope - self.offset
        whole = np.rint(codes)
        if np.abs(codes - whole).max() > 1e-6 or whole.min() < 0 or whole.max() >= self.n_voxels:
            raise ValueError(f"{self.name}: samples from {samples.min()} to {samples.max()} are no codes")
        return np.asarray(whole, dtype=np.int64)

    def true_world(self, codes: NDArray[np.int64]) -> FloatArray:
        """Places (..., 3) of codes (...) in LPS millimetres."""
        plane, pixel = np.divmod(codes, ROWS * COLUMNS)
        j, i = np.divmod(pixel, COLUMNS)
        corners = np.array([one.corner for one in self.planes])
        along_row = np.array([np.multiply(one.row, one.column_mm) for one in self.planes])
        down_column = np.array([np.multiply(one.column, one.row_mm) for one in self.planes])
        return np.asarray(corners[plane] + along_row[plane] * i[..., None] + down_column[plane] * j[..., None])

    def times_of(self, codes: NDArray[np.int64]) -> NDArray[np.int64]:
        """Time (from 1, 0 without) of each code."""
        return np.array([one.time for one in self.planes])[codes // (ROWS * COLUMNS)]


def stacked(
    row: Vector3 = (1.0, 0.0, 0.0),
    column: Vector3 = (0.0, 1.0, 0.0),
    along: Sequence[float] | None = None,
    shift: Vector3 = (0.0, 0.0, 0.0),
) -> tuple[Plane, ...]:
    """Nine planes whose corners lie at the millimetres `along` their normal (by default every 2.5).

    Parameters
    ----------
    shift : (x, y, z)
        Added to the corner with every slice, as a gantry tilt does.
    """
    normal = np.cross(row, column)
    places = [k * STEP_MM for k in range(N_SLICES)] if along is None else along
    return tuple(
        Plane(_vector(_CORNER + normal * mm + np.multiply(shift, k)), _vector(row), _vector(column))
        for k, mm in enumerate(places)
    )


def _vector(values: Sequence[float] | FloatArray) -> Vector3:
    x, y, z = (float(one) for one in values)
    return (x, y, z)


def _turned(degrees: Vector3) -> tuple[Vector3, Vector3]:
    """Row and column directions after turns about x, y and z."""
    turn = np.eye(3)
    for axis, angle in enumerate(np.radians(degrees)):
        one = np.eye(3)
        a, b = [other for other in range(3) if other != axis]
        one[[a, a, b, b], [a, b, a, b]] = np.cos(angle), -np.sin(angle), np.sin(angle), np.cos(angle)
        turn = one @ turn
    return _vector(turn[:, 0]), _vector(turn[:, 1])


def _without(*missing: int) -> tuple[Plane, ...]:
    return tuple(plane for k, plane in enumerate(stacked()) if k not in missing)


def _jittered(share: float) -> tuple[Plane, ...]:
    wobble = np.array([0, 1, -1, 0.5, 0, -0.5, 1, -1, 0]) * share * STEP_MM / 2
    return stacked(along=[float(k * STEP_MM + wobble[k]) for k in range(N_SLICES)])


def _over_time(planes: tuple[Plane, ...], n_times: int = 3) -> tuple[Plane, ...]:
    return tuple(replace(plane, time=time) for time in range(1, n_times + 1) for plane in planes)


def _second(planes: tuple[Plane, ...]) -> tuple[Plane, ...]:
    return tuple(replace(plane, stack=1) for plane in planes)


def _turning(radians: float) -> tuple[Plane, ...]:
    """Turn the last slice against the others about the normal."""
    *others, last = stacked()
    row = (float(np.cos(radians)), float(np.sin(radians)), 0.0)
    column = (float(-np.sin(radians)), float(np.cos(radians)), 0.0)
    return (*others, replace(last, row=row, column=column))


_SAGITTAL = ((0.0, 1.0, 0.0), (0.0, 0.0, -1.0))
_CORONAL = ((1.0, 0.0, 0.0), (0.0, 0.0, -1.0))
_OBLIQUE = _turned((17.0, -23.0, 31.0))
_TILT = (0.0, float(-np.tan(np.radians(18.5)) * STEP_MM), 0.0)
_SLIGHT_TILT = (0.0, float(np.tan(np.radians(1.5)) * STEP_MM), 0.0)
_FARTHER = [0.0, 2.5, 5.0, 7.5, 10.0, 15.0, 20.0, 25.0, 30.0]
_ONE_SLICE_TWICE = [0.0, 2.5, 5.0, 5.0, 7.5, 10.0, 12.5, 15.0, 17.5]


def _of_two_spacings() -> tuple[Plane, ...]:
    return tuple(replace(one, column_mm=COLUMN_MM + 0.2 * (k > 4)) for k, one in enumerate(stacked()))


def _regular() -> tuple[CodedSeries, ...]:
    return (
        CodedSeries("axial", stacked()),
        CodedSeries("reversed", tuple(reversed(stacked()))),
        CodedSeries("prone", stacked((-1, 0, 0), (0, -1, 0))),
        CodedSeries("sagittal", stacked(*_SAGITTAL)),
        CodedSeries("sagittal to the right", stacked((0, -1, 0), (0, 0, -1))),
        CodedSeries("coronal", stacked(*_CORONAL)),
        CodedSeries("oblique", stacked(*_OBLIQUE)),
        CodedSeries("oblique implicit", stacked(*_OBLIQUE), syntax=Syntax.IMPLICIT_LITTLE),
        CodedSeries("big endian", stacked(*_OBLIQUE), syntax=Syntax.EXPLICIT_BIG),
        CodedSeries("shuffled names", stacked(*_OBLIQUE), is_shuffled=True),
        CodedSeries("32 bits", stacked(), bits=32),
        CodedSeries("8 bits", stacked()[:7], bits=8),
        CodedSeries("signed", stacked(*_CORONAL), offset=-150),
        CodedSeries("rescaled", stacked(*_SAGITTAL), slope=2.0, intercept=-1024.0),
        CodedSeries("rescaled by a fraction", stacked(), slope=0.25, intercept=-3.5, offset=-20),
        CodedSeries("single slice", stacked(*_OBLIQUE)[:1]),
        CodedSeries("two slices", stacked(*_OBLIQUE)[:2]),
        CodedSeries("same file twice", stacked(), copies=(4,)),
        CodedSeries("tilt", stacked(shift=_TILT), needs_warning=True),
        CodedSeries("slight tilt", stacked(shift=_SLIGHT_TILT), needs_warning=True),
        CodedSeries("two pixel spacings", _of_two_spacings(), Expected.REFUSED),
    )


def _irregular() -> tuple[CodedSeries, ...]:
    return (
        CodedSeries("uneven", stacked(along=_FARTHER), Expected.REFUSED),
        CodedSeries("missing", _without(5), Expected.REFUSED),
        CodedSeries("missing two", _without(3, 6), Expected.REFUSED),
        CodedSeries("duplicate", stacked(along=_ONE_SLICE_TWICE), Expected.REFUSED),
        CodedSeries("all at one place", stacked()[:1] * 4, Expected.REFUSED),
        CodedSeries("two at one place", stacked()[:1] * 2, Expected.REFUSED),
        CodedSeries("last slice sideways", _sideways(1.2), Expected.REFUSED),
        CodedSeries("jitter 0.5 %", _jittered(0.005), Expected.TOLERATED, stray_mm=0.005 * STEP_MM),
        CodedSeries("jitter 3 %", _jittered(0.03), Expected.TOLERATED, stray_mm=0.03 * STEP_MM, needs_warning=True),
        CodedSeries("jitter 8 %", _jittered(0.08), Expected.REFUSED),
        CodedSeries("cosines 0.9e-3 too long", stacked(*_OBLIQUE), direction_error=0.9e-3),
        CodedSeries("cosines 2e-3 too long", stacked(*_OBLIQUE), Expected.REFUSED, direction_error=2e-3),
        CodedSeries("cosines 5 % too long", stacked(), Expected.REFUSED, direction_error=0.05),
        CodedSeries("cosines lean 0.9e-3", stacked(*_leaning(0.9e-3))),
        CodedSeries("cosines lean 5 %", stacked(*_leaning(0.05)), Expected.REFUSED),
        CodedSeries("last slice turned by 0.9e-3", _turning(0.9e-3), Expected.TOLERATED, 5e-3, needs_warning=True),
        CodedSeries("last slice turned by 3e-3", _turning(3e-3), Expected.REFUSED),
        CodedSeries("last slice upside down", _turning(np.pi), Expected.REFUSED),
        CodedSeries("no orientation", stacked(), Expected.UNPLACED, has_place=False, n_images=N_SLICES),
    )


def _sideways(shift_mm: float) -> tuple[Plane, ...]:
    *others, last = stacked()
    x, y, z = last.corner
    return (*others, replace(last, corner=(x + shift_mm, y, z)))


def _leaning(lean: float) -> tuple[Vector3, Vector3]:
    return (1.0, 0.0, 0.0), _vector((lean, float(np.sqrt(1 - lean**2)), 0.0))


def _several() -> tuple[CodedSeries, ...]:
    two_stacks = stacked() + _second(stacked(*_SAGITTAL))
    far = _second(stacked(along=[60 + STEP_MM * k for k in range(N_SLICES)]))
    over_time = _over_time(stacked(*_OBLIQUE))
    return (
        CodedSeries("4D by temporal position", over_time),
        CodedSeries("4D by trigger time", over_time, tells_time_by="TriggerTime"),
        CodedSeries("4D with one slice missing", over_time[:-5] + over_time[-4:], Expected.REFUSED),
        CodedSeries("two orientations", two_stacks, n_images=2),
        CodedSeries("enhanced", stacked(*_OBLIQUE), is_enhanced=True),
        CodedSeries("enhanced shuffled", stacked(*_OBLIQUE), is_enhanced=True, is_shuffled=True),
        CodedSeries("enhanced tilt", stacked(shift=_TILT), is_enhanced=True, needs_warning=True),
        CodedSeries("enhanced missing", _without(5), Expected.REFUSED, is_enhanced=True),
        CodedSeries("enhanced uneven", stacked(along=_FARTHER), Expected.REFUSED, is_enhanced=True),
        CodedSeries("enhanced big endian", stacked(*_CORONAL), is_enhanced=True, syntax=Syntax.EXPLICIT_BIG),
        CodedSeries("enhanced rescaled", stacked(), is_enhanced=True, slope=2.0, intercept=-1024.0),
        CodedSeries("enhanced two stacks", two_stacks, is_enhanced=True, n_images=2),
        CodedSeries("enhanced two stacks shuffled", stacked() + far, is_enhanced=True, is_shuffled=True, n_images=2),
        CodedSeries("enhanced at one place", stacked()[:1] * 4, Expected.REFUSED, is_enhanced=True),
        CodedSeries("enhanced two pixel spacings", _of_two_spacings(), Expected.REFUSED, is_enhanced=True),
        CodedSeries("enhanced 4D", over_time, is_enhanced=True),
        CodedSeries("enhanced 4D shuffled", over_time, is_enhanced=True, is_shuffled=True),
    )


def all_coded_series() -> tuple[CodedSeries, ...]:
    """Every variant, in a stable order."""
    makers: tuple[Callable[[], tuple[CodedSeries, ...]], ...] = (_regular, _irregular, _several)
    return tuple(series for make in makers for series in make())
