"""Where the slices of a series lie: in order along their normal, at even steps, or refused with numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from napari_medclf.domain.arrays import FloatArray
from napari_medclf.io.dicom.header import Header

_SAME_PLACE_MM = 1e-3
_SILENT_MM = 0.01
_SILENT = 0.01
_TOLERATED = 0.05
_SAME_DIRECTION = 1e-4
_NEARLY_SAME_DIRECTION = 1e-3
_UPRIGHT_DEG = 0.1
_INCOMPLETE = "Fetch the whole series, or open single slices."


class PlacementError(Exception):
    """Slices that one affine cannot place; `reason` and `hint` are for `ReadError`."""

    def __init__(self, reason: str, hint: str = "") -> None:
        self.reason = reason
        self.hint = hint
        super().__init__(reason)


@dataclass(frozen=True)
class Placement:
    """Slices in order of axis k, and where they lie.

    Parameters
    ----------
    affine : (4, 4)
        Index (k, j, i) to LPS millimetres.
    """

    headers: tuple[Header, ...]
    affine: FloatArray
    warnings: tuple[str, ...] = ()


def place(headers: Sequence[Header]) -> Placement:
    """Sort slices by position along the normal and find the one affine that places them all.

    Positions may stray by 1 % of the step (or 0.01 mm) in silence and by 5 % with a warning. A gantry
    tilt is kept as a sheared affine, with a warning.

    Raises
    ------
    PlacementError
        If slices are turned against each other, repeat, are missing, or are unevenly far apart.
    """
    warnings: list[str] = []
    normal = _normal(headers, warnings)
    order = sorted(range(len(headers)), key=lambda n: float(np.dot(normal, _position(headers[n]))))
    ordered = tuple(headers[n] for n in order)
    positions = np.array([_position(header) for header in ordered])
    _check_spacing(ordered)
    step = _step(positions, normal, ordered, warnings)
    first, spacing = ordered[0], ordered[0].spacing
    if spacing is None or first.row is None or first.column is None:
        raise PlacementError("its slices do not tell their spacing or orientation")
    affine = np.eye(4)
    affine[:3, 0] = step
    affine[:3, 1] = np.array(first.column) * spacing.row_mm
    affine[:3, 2] = np.array(first.row) * spacing.column_mm
    affine[:3, 3] = positions[0]
    return Placement(ordered, affine, tuple(warnings))


def repeated_places(headers: Sequence[Header]) -> bool:
    """Whether two of these lie at the same place along their normal.

    Raises
    ------
    PlacementError
        If they are turned against each other.
    """
    normal = _normal(headers, [])
    along = np.sort([float(np.dot(normal, _position(header))) for header in headers])
    return bool((np.diff(along) < _SAME_PLACE_MM).any())


def _position(header: Header) -> tuple[float, float, float]:
    if header.position is None:
        raise PlacementError("some of its slices do not tell their position")
    return header.position


def _normal(headers: Sequence[Header], warnings: list[str]) -> FloatArray:
    directions = np.array([(*(header.row or (0, 0, 0)), *(header.column or (0, 0, 0))) for header in headers])
    turned = np.abs(directions - directions[0]).max(axis=1)
    if turned.max() > _NEARLY_SAME_DIRECTION:
        raise PlacementError(
            f"its slices lie in {_count_directions(directions)} orientations: {_describe_turn(headers, turned)}",
            "Open the orientations one by one, as folders or files of their own.",
        )
    if turned.max() > _SAME_DIRECTION:
        warnings.append(f"Its slices are turned against each other by up to {np.degrees(turned.max()):.2f} degrees.")
    normal = np.cross(directions[0, :3], directions[0, 3:])
    return np.asarray(normal / np.linalg.norm(normal), dtype=np.float64)


def _check_spacing(headers: Sequence[Header]) -> None:
    found = sorted({(round(one.spacing.row_mm, 4), round(one.spacing.column_mm, 4)) for one in headers if one.spacing})
    if len(found) > 1:
        listing = ", ".join(f"{row_mm:g} x {column_mm:g} mm" for row_mm, column_mm in found[:4])
        raise PlacementError(f"its slices have different pixel spacings: {listing}", "Open single slices.")


def _count_directions(directions: FloatArray) -> int:
    found: list[FloatArray] = []
    for direction in directions:
        if not any(np.abs(direction - other).max() <= _NEARLY_SAME_DIRECTION for other in found):
            found.append(direction)
    return len(found)


def _describe_turn(headers: Sequence[Header], turned: FloatArray) -> str:
    other = int(np.argmax(turned > _NEARLY_SAME_DIRECTION))
    normals = [np.cross(headers[n].row or (0, 0, 1), headers[n].column or (0, 0, 1)) for n in (0, other)]
    angle = np.degrees(np.arccos(np.clip(abs(float(np.dot(*normals))), 0, 1)))
    distance = np.linalg.norm(np.subtract(_position(headers[0]), _position(headers[other])))
    return f"files 1 and {other + 1} are turned by {angle:.1f} degrees, their corners {distance:.1f} mm apart"


def _step(positions: FloatArray, normal: FloatArray, headers: Sequence[Header], warnings: list[str]) -> FloatArray:
    declared = headers[0].slice_step_mm
    if len(positions) == 1:
        return np.asarray(normal * (declared or 1.0))
    along = positions @ normal
    gaps = np.diff(along)
    typical = float(np.sort(gaps)[(len(gaps) - 1) // 2])
    _check_repeats(gaps, along)
    _check_gaps(gaps, typical, warnings)
    step = (positions[-1] - positions[0]) / (len(positions) - 1)
    _check_sideways(positions, step, normal, typical, warnings)
    tilt_deg = float(np.degrees(np.arccos(np.clip(np.dot(step, normal) / np.linalg.norm(step), -1, 1))))
    if tilt_deg > _UPRIGHT_DEG:
        warnings.append(
            f"Its slices are stacked {tilt_deg:.1f} degrees off their normal (a gantry tilt?); places are exact, "
            "and a straight view looks sheared."
        )
    if declared is not None and abs(declared - typical) > max(_SILENT_MM, _SILENT * typical):
        warnings.append(f"Its slices are {typical:.4g} mm apart by position, and {declared:.4g} mm thick by tag.")
    return np.asarray(step)


def _check_repeats(gaps: FloatArray, along: FloatArray) -> None:
    repeated = np.flatnonzero(gaps < _SAME_PLACE_MM)
    if repeated.size:
        first = int(repeated[0])
        more = f" ({repeated.size} such pairs)" if repeated.size > 1 else ""
        raise PlacementError(
            f"slices {first + 1} and {first + 2} of {len(along)} lie at the same place, {along[first]:.2f} mm along "
            f"the normal{more}",
            "The folder may mix acquisitions; separate them.",
        )


def _check_gaps(gaps: FloatArray, typical: float, warnings: list[str]) -> None:
    stray = np.abs(gaps - typical)
    if stray.max() <= max(_SILENT_MM, _SILENT * typical):
        return
    if stray.max() <= _TOLERATED * typical:
        warnings.append(f"The distance of its slices varies by {stray.max():.3g} mm around {typical:.4g} mm.")
        return
    odd = np.flatnonzero(stray > _TOLERATED * typical)
    first = int(odd[0])
    if odd.size > max(2, len(gaps) // 10):
        raise PlacementError(f"its slices are unevenly far apart: {_list_gaps(gaps)}", _INCOMPLETE)
    n_missing = gaps[odd] / typical - 1
    is_missing = bool((np.abs(n_missing - np.rint(n_missing)) < _TOLERATED).all() and (n_missing > 0.5).all())
    verdict = f" mm; missing slices: {int(np.rint(n_missing).sum())}" if is_missing else " mm"
    more = f" (and {odd.size - 1} more such gaps)" if odd.size > 1 else ""
    raise PlacementError(
        f"slices {first + 1} and {first + 2} are {gaps[first]:.4g} mm apart{more}, the others {typical:.4g}{verdict}",
        _INCOMPLETE,
    )


def _list_gaps(gaps: FloatArray) -> str:
    counted = Counter(round(float(gap), 2) for gap in gaps).most_common(4)
    parts = []
    for gap, n_times in counted:
        first = int(np.argmax(np.abs(gaps - gap) < 0.006))
        parts.append(f"{gap:g} mm {n_times}x, first between slices {first + 1} and {first + 2}")
    return "; ".join(parts)


def _check_sideways(
    positions: FloatArray, step: FloatArray, normal: FloatArray, typical: float, warnings: list[str]
) -> None:
    """Refuse slices that leave the straight line from the first to the last corner."""
    off = positions - positions[0] - np.arange(len(positions))[:, None] * step
    sideways = np.linalg.norm(off - np.outer(off @ normal, normal), axis=1)
    worst = int(np.argmax(sideways))
    if sideways[worst] > _TOLERATED * max(typical, 1.0):
        raise PlacementError(f"slice {worst + 1} is shifted sideways by {sideways[worst]:.3g} mm against the others")
    if sideways[worst] > max(_SILENT_MM, _SILENT * typical):
        warnings.append(f"Its slices are shifted sideways by up to {sideways[worst]:.3g} mm.")
