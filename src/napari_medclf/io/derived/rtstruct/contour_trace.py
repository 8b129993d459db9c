"""Outlines of a mask along the edges of its pixels, from which the same pixels come back."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from napari_medclf.domain.arrays import BoolArray, FloatArray

# Steps along pixel edges as (row, column): right, down, left, up. Clockwise on the screen.
_STEPS = ((0, 1), (1, 0), (0, -1), (-1, 0))
_Point = tuple[int, int]


class _Loop(NamedTuple):
    """Corners of pixels in order, (row, column); the corner (0, 0) is the outer one of the first pixel."""

    points: list[_Point]
    is_hole: bool


def trace_mask(mask: BoolArray) -> tuple[FloatArray, ...]:
    """Draw one closed polygon around each part of a mask.

    Parameters
    ----------
    mask : (J, I) bool
        Pixels that share an edge belong together; those that touch at a corner are parts of their own.

    Returns
    -------
    tuple of (N, 2)
        Corners (j, i) in pixels; all lie half-way between centres, so no centre lies on an outline and every
        rule of filling gives the mask back. A hole is reached by a keyhole: a channel without width that
        leads to it along pixel edges and back.

    Notes
    -----
    DICOM names the keyhole as the way to draw a hole with CLOSED_PLANAR contours (PS3.3 C.8.8.6.3). A
    contour of its own for the hole is filled by readers that unite the contours of a slice rather than
    combine them by XOR; a keyhole comes out right in both kinds.
    """
    loops = _trace_loops(np.asarray(mask, dtype=np.bool_))
    outlines = [loop.points for loop in loops] if not any(loop.is_hole for loop in loops) else _join_holes(loops)
    return tuple(np.array(_without_straight_points(points), dtype=np.float64) - 0.5 for points in outlines)


def _trace_loops(mask: BoolArray) -> list[_Loop]:
    """Walk along the edges with the mask on the right hand."""
    ahead = _edges(mask)
    loops = []
    while ahead:
        start = next(iter(ahead))
        points, heading = [start], ahead[start][-1]
        while True:
            _take(ahead, points[-1], heading)
            step = _STEPS[heading]
            here = (points[-1][0] + step[0], points[-1][1] + step[1])
            if here == start and not _goes_on(ahead, here, heading):
                break
            points.append(here)
            heading = _turn(ahead[here], heading)
        loops.append(_Loop(points, _signed_area(points) < 0))
    return loops


def _edges(mask: BoolArray) -> dict[_Point, list[int]]:
    """Find for each corner of a pixel the headings of the edges that begin there."""
    padded = np.pad(mask, 1)
    above, below = padded[:-1, 1:-1], padded[1:, 1:-1]
    left, right = padded[1:-1, :-1], padded[1:-1, 1:]
    starts: list[tuple[NDArray[np.int64], int]] = [
        (np.argwhere(below & ~above), 0),
        (np.argwhere(left & ~right), 1),
        (np.argwhere(above & ~below) + np.array([0, 1]), 2),
        (np.argwhere(right & ~left) + np.array([1, 0]), 3),
    ]
    ahead: dict[_Point, list[int]] = {}
    for places, heading in starts:
        for row, column in places.tolist():
            ahead.setdefault((row, column), []).append(heading)
    return ahead


def _turn(headings: list[int], heading: int) -> int:
    """Choose the way on; where two pixels touch at a corner, stay with the pixel at hand (turn right)."""
    right = (heading + 1) % 4
    return right if right in headings else headings[-1]


def _goes_on(ahead: dict[_Point, list[int]], here: _Point, heading: int) -> bool:
    """Tell whether a loop that is back at its start passes it on its way to a second part of itself."""
    return (heading + 1) % 4 in ahead.get(here, ())


def _take(ahead: dict[_Point, list[int]], point: _Point, heading: int) -> None:
    ahead[point].remove(heading)
    if not ahead[point]:
        del ahead[point]


def _signed_area(points: list[_Point]) -> float:
    rows, columns = np.array(points, dtype=np.float64).T
    return float(np.dot(columns, np.roll(rows, -1)) - np.dot(rows, np.roll(columns, -1))) / 2


def _join_holes(loops: list[_Loop]) -> list[list[_Point]]:
    """Lead a channel from the left end of each hole to the outline on its left, whose turn comes before."""
    ring = _Ring()
    starts = [ring.add(loop.points) for loop in loops if not loop.is_hole]
    holes = sorted((min((column, row) for row, column in loop.points), loop.points) for loop in loops if loop.is_hole)
    for (column, row), points in holes:
        target = next(found for left in range(column - 1, -1, -1) if (found := ring.at((row, left))) is not None)
        ring.insert(target, points, points.index((row, column)))
    return [ring.walk(start) for start in starts]


class _Ring:
    """Outlines as chains of points into which others can be spliced at once."""

    def __init__(self) -> None:
        self._points: list[_Point] = []
        self._next: list[int] = []
        self._node_at: dict[_Point, int] = {}

    def add(self, points: list[_Point]) -> int:
        first = self._append(points)
        self._next[-1] = first
        return first

    def at(self, point: _Point) -> int | None:
        return self._node_at.get(point)

    def insert(self, node: int, points: list[_Point], entry: int) -> None:
        """Go from a node around a hole and back to the same place, then on as before."""
        first = self._append([*points[entry:], *points[: entry + 1], self._points[node]])
        self._next[-1], self._next[node] = self._next[node], first

    def walk(self, start: int) -> list[_Point]:
        found, node = [self._points[start]], self._next[start]
        while node != start:
            found.append(self._points[node])
            node = self._next[node]
        return found

    def _append(self, points: list[_Point]) -> int:
        first = len(self._points)
        for number, point in enumerate(points, start=first):
            self._node_at.setdefault(point, number)
        self._points.extend(points)
        self._next.extend(range(first + 1, first + len(points) + 1))
        return first


def _without_straight_points(points: list[_Point]) -> NDArray[np.int64]:
    """Drop points between two steps of the same direction; the turning point of a channel stays."""
    corners = np.array(points, dtype=np.int64)
    arriving = np.sign(corners - np.roll(corners, 1, axis=0))
    leaving = np.sign(np.roll(corners, -1, axis=0) - corners)
    return np.asarray(corners[(arriving != leaving).any(axis=1)])
