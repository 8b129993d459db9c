"""Where the slices of a series lie: in order along their normal, at even steps, or refused with numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from napari_medclf.domain.arrays import FloatArray
from napari_medclf.domain.image import Gaps
from napari_medclf.io.dicom.header import Header
from napari_medclf.io.dicom.series.gaps import (
    TOLERATED,
    Grid,
    blank_grid,
    describe_gaps,
    even_grid,
    possible_ways,
    typical_gap,
)

SAME_PLACE_MM = 1e-3
SAME_DIRECTION = 1e-3 + 1e-9
"""Largest difference of two direction cosines of slices that lie alike."""
_SILENT_DIRECTION = 1e-4
_SILENT_MM = 0.01
_SILENT = 0.01
_UPRIGHT_DEG = 0.1
_INCOMPLETE = "Fetch the whole series, or open single slices."


class PlacementError(Exception):
    """Slices that one affine cannot place; `reason` and `hint` are for `ReadError`.

    `ways` are the choices that a person could make to open them all the same.
    """

    def __init__(self, reason: str, hint: str = "", ways: tuple[Gaps, ...] = ()) -> None:
        self.reason = reason
        self.hint = hint
        self.ways = ways
        super().__init__(reason)


@dataclass(frozen=True)
class Placement:
    """Slices in order of axis k, and where they lie.

    Parameters
    ----------
    affine : (4, 4)
        Index (k, j, i) to LPS millimetres.
    n_slices : int
        Length of axis k.
    acquired_k : tuple of float
        Where each header's slice lies along axis k; empty where slice n lies at k = n.
    """

    headers: tuple[Header, ...]
    affine: FloatArray
    n_slices: int
    acquired_k: tuple[float, ...] = ()
    gaps: Gaps = Gaps.REFUSE
    warnings: tuple[str, ...] = ()


def place(headers: Sequence[Header], gaps: Gaps = Gaps.REFUSE) -> Placement:
    """Sort slices by position along the normal and find the one affine that places them all.

    Positions may stray by 1 % of the step (or 0.01 mm) in silence and by 5 % with a warning. A gantry
    tilt is kept as a sheared affine, with a warning.

    Raises
    ------
    PlacementError
        If slices are turned against each other, repeat, or are shifted sideways; and, unless `gaps`
        allows it, if some are missing or unevenly far apart.
    """
    warnings: list[str] = []
    normal = common_normal(headers, warnings)
    ordered = in_order(headers, normal)
    positions = np.array([_position(header) for header in ordered])
    first, spacing = ordered[0], ordered[0].spacing
    if spacing is None or first.row is None or first.column is None:
        raise PlacementError("its slices do not tell their spacing or orientation")
    along = positions @ normal
    grid = _grid(along, gaps, warnings)
    affine = np.eye(4)
    affine[:3, 0] = _step(positions, normal, grid, ordered, warnings)
    affine[:3, 1] = np.array(first.column) * spacing.row_mm
    affine[:3, 2] = np.array(first.row) * spacing.column_mm
    affine[:3, 3] = positions[0]
    return Placement(ordered, affine, grid.n_slices, grid.acquired_k, gaps, tuple(warnings))


def in_order(headers: Sequence[Header], normal: FloatArray) -> tuple[Header, ...]:
    """Sort by position along the normal, and by nothing else."""
    return tuple(sorted(headers, key=lambda header: float(np.dot(normal, _position(header)))))


def piles(headers: Sequence[Header]) -> list[list[Header]]:
    """Put together what lies at the same place, in order along the normal.

    Raises
    ------
    PlacementError
        If they are turned against each other.
    """
    normal = common_normal(headers, [])
    found: list[list[Header]] = []
    top = -np.inf
    for header in in_order(headers, normal):
        along = float(np.dot(normal, _position(header)))
        if along - top < SAME_PLACE_MM:
            found[-1].append(header)
        else:
            found.append([header])
        top = along
    return found


def _position(header: Header) -> tuple[float, float, float]:
    if header.position is None:
        raise PlacementError("some of its slices do not tell their position")
    return header.position


def common_normal(headers: Sequence[Header], warnings: list[str]) -> FloatArray:
    """Normal of the first slice, after a check that all lie alike; (3,) of unit length."""
    directions = np.array([(*(header.row or (0, 0, 0)), *(header.column or (0, 0, 0))) for header in headers])
    turned = np.abs(directions - directions[0]).max(axis=1)
    if turned.max() > SAME_DIRECTION:
        raise PlacementError(f"its slices are turned against each other by up to {_turn_deg(directions):.2f} degrees")
    if turned.max() > _SILENT_DIRECTION:
        warnings.append(f"Its slices are turned against each other by up to {_turn_deg(directions):.2f} degrees.")
    normal = np.cross(directions[0, :3], directions[0, 3:])
    return np.asarray(normal / np.linalg.norm(normal), dtype=np.float64)


def _turn_deg(directions: FloatArray) -> float:
    """Largest angle by which one plane must be turned to lie like the first, in degrees."""
    triads = [np.stack([one[:3], one[3:], np.cross(one[:3], one[3:])]) for one in directions]
    cosines = [(float(np.sum(triads[0] * triad)) - 1) / 2 for triad in triads]
    return float(np.degrees(np.arccos(np.clip(min(cosines), -1, 1))))


def _grid(along: FloatArray, gaps: Gaps, warnings: list[str]) -> Grid:
    """Choose the slices of axis k, and refuse what `gaps` does not allow."""
    if len(along) == 1:
        return Grid(1)
    distances = np.diff(along)
    _check_repeats(distances, along)
    typical = typical_gap(distances)
    drift = np.abs(along - np.linspace(along[0], along[-1], len(along)))
    stray = max(float(np.abs(distances - typical).max()), float(drift.max()))
    if stray <= max(_SILENT_MM, _SILENT * typical):
        return Grid(len(along))
    if stray <= TOLERATED * typical:
        warnings.append(f"The distance of its slices varies by {stray:.3g} mm around {typical:.4g} mm.")
        return Grid(len(along))
    if gaps is Gaps.REFUSE:
        raise PlacementError(describe_gaps(distances), _INCOMPLETE, possible_ways(along))
    grid = blank_grid(along) if gaps is Gaps.BLANK else even_grid(along)
    warnings.append(grid.note)
    return grid


def _step(
    positions: FloatArray, normal: FloatArray, grid: Grid, headers: Sequence[Header], warnings: list[str]
) -> FloatArray:
    """Vector from one slice of the grid to the next, (3,)."""
    declared = headers[0].slice_step_mm
    if len(positions) == 1:
        return np.asarray(normal * (declared or 1.0))
    step = (positions[-1] - positions[0]) / (grid.n_slices - 1)
    acquired_k = np.asarray(grid.acquired_k) if grid.acquired_k else np.arange(len(positions), dtype=np.float64)
    _check_sideways(positions, acquired_k, step, normal, warnings)
    step_mm = float(np.dot(step, normal))
    tilt_deg = float(np.degrees(np.arctan2(np.linalg.norm(step - step_mm * normal), step_mm)))
    if tilt_deg > _UPRIGHT_DEG:
        warnings.append(
            f"Its slices are stacked {tilt_deg:.1f} degrees off their normal (a gantry tilt?); places are exact, "
            "and a straight view looks sheared."
        )
    is_even = not grid.acquired_k
    if is_even and declared is not None and abs(declared - step_mm) > max(_SILENT_MM, _SILENT * step_mm):
        warnings.append(f"Its slices are {step_mm:.4g} mm apart by position, and {declared:.4g} mm thick by tag.")
    return np.asarray(step)


def _check_repeats(distances: FloatArray, along: FloatArray) -> None:
    repeated = np.flatnonzero(distances < SAME_PLACE_MM)
    if repeated.size:
        first = int(repeated[0])
        more = f" ({repeated.size} such pairs)" if repeated.size > 1 else ""
        raise PlacementError(
            f"slices {first + 1} and {first + 2} of {len(along)} lie at the same place, {along[first]:.2f} mm along "
            f"the normal{more}",
            "The folder may mix acquisitions; separate them.",
        )


def _check_sideways(
    positions: FloatArray, acquired_k: FloatArray, step: FloatArray, normal: FloatArray, warnings: list[str]
) -> None:
    """Refuse slices that leave the straight line from the first to the last corner."""
    off = positions - positions[0] - acquired_k[:, None] * step
    sideways = np.linalg.norm(off - np.outer(off @ normal, normal), axis=1)
    worst, step_mm = int(np.argmax(sideways)), float(np.linalg.norm(step))
    if sideways[worst] > TOLERATED * max(step_mm, 1.0):
        raise PlacementError(f"slice {worst + 1} is shifted sideways by {sideways[worst]:.3g} mm against the others")
    if sideways[worst] > max(_SILENT_MM, _SILENT * step_mm):
        warnings.append(f"Its slices are shifted sideways by up to {sideways[worst]:.3g} mm.")
