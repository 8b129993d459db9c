"""Which pixels polygons cover: the rule by which contours become labels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_medclf.domain.arrays import BoolArray, FloatArray
from napari_medclf.domain.errors import GridError

ON_OUTLINE_PX = 1e-3
"""How near to an outline a pixel's centre lies on it: what files lose that round to 1/1000 mm."""
MOST_CROSSINGS = 5_000_000
"""Of one slice; an outline that fills a screen with noise has a tenth of this."""
_CROSSINGS_AT_ONCE = 1_000_000


@dataclass(frozen=True, eq=False)
class Block:
    """A rectangle of a slice, and which of its pixels are covered.

    Parameters
    ----------
    mask : bool
        Of the shape of `rows` and `columns`.
    """

    rows: slice
    columns: slice
    mask: BoolArray


def fill_polygons(polygons: Sequence[FloatArray], shape: tuple[int, int]) -> BoolArray:
    """Mark the pixels whose centre is inside the polygons, or on one of their outlines.

    Parameters
    ----------
    polygons : sequence of (N, 2)
        Corners (j, i) in pixels, closed by itself; whole numbers are the centres of pixels. What an
        even number of polygons covers is outside, so that a polygon within another is a hole, and so is the
        inside of a keyhole, whose channel runs there and back along one line.
    shape : (J, I)
        Rows and columns; what reaches outside is cut off.

    Returns
    -------
    (J, I) bool

    Raises
    ------
    GridError
        If the outlines cross more rows than `MOST_CROSSINGS`, which no drawing does.

    Notes
    -----
    The even-odd rule along rows (Foley et al., Computer Graphics, 1990, section 3.5). DICOM says that
    contours on one slice combine by XOR (PS3.3 C.8.8.6.3) and leaves open which voxels they cover; that of
    centres is what plastimatch and scikit-image use. Centres on an outline count as covered, as in
    scikit-image and OpenCV: programs that draw through the centres of the outermost pixels mean these too.
    """
    filled = np.zeros(shape, dtype=np.bool_)
    if polygons:
        block = fill_block(polygons, shape)
        filled[block.rows, block.columns] = block.mask
    return filled


def fill_block(polygons: Sequence[FloatArray], shape: tuple[int, int]) -> Block:
    """Mark what `fill_polygons` marks, in the smallest rectangle that holds all of it."""
    snapped = [_snapped(np.asarray(polygon, dtype=np.float64)) for polygon in polygons]
    rows, columns = _box(np.concatenate(snapped), shape)
    size = (rows.stop - rows.start, columns.stop - columns.start)
    if 0 in size:
        return Block(rows, columns, np.zeros(size, dtype=np.bool_))
    first = np.array([rows.start, columns.start], dtype=np.float64)
    return Block(rows, columns, _fill([one - first for one in snapped], size))


def estimate_work(polygons: Sequence[FloatArray], shape: tuple[int, int]) -> int:
    """Tell what filling costs, in pixels: those of the rectangle, and ten for each row that an edge crosses."""
    rows, columns = _box(np.concatenate(polygons), shape)
    crossed = sum(float(np.abs(np.diff(np.clip(one[:, 0], 0, shape[0]))).sum()) for one in polygons)
    return (rows.stop - rows.start) * (columns.stop - columns.start) + 10 * int(crossed)


def _box(corners: FloatArray, shape: tuple[int, int]) -> tuple[slice, slice]:
    first = np.clip(np.floor(corners.min(axis=0)), 0, shape).astype(np.int64)
    end = np.clip(np.ceil(corners.max(axis=0)) + 1, first, shape).astype(np.int64)
    return slice(int(first[0]), int(end[0])), slice(int(first[1]), int(end[1]))


def _fill(polygons: Sequence[FloatArray], shape: tuple[int, int]) -> BoolArray:
    starts = np.concatenate(polygons)
    ends = np.concatenate([np.roll(polygon, -1, axis=0) for polygon in polygons])
    toggles = np.zeros((shape[0], shape[1] + 1), dtype=np.int64)
    outline = _level_edges(starts, ends, shape)
    _mark_corners(starts, outline)
    for rows, columns in _crossings(starts, ends, shape[0]):
        _count_toggles(rows, columns, toggles)
        _mark_crossings(rows, columns, outline)
    inside = np.cumsum(toggles[:, :-1], axis=1) % 2 == 1
    return np.asarray(inside | outline)


def _snapped(corners: FloatArray) -> FloatArray:
    """Lay coordinates that are whole but for rounding exactly on the centres."""
    whole = np.rint(corners)
    return np.where(np.abs(corners - whole) <= ON_OUTLINE_PX, whole, corners)


def _crossings(starts: FloatArray, ends: FloatArray, n_rows: int) -> Iterator[tuple[NDArray[np.int64], FloatArray]]:
    """Yield where edges cross the lines of pixel centres: row, and column as a fraction.

    An edge owns its upper end and not its lower one, so that a corner on a line counts once.
    """
    is_up = starts[:, :1] > ends[:, :1]
    upper, lower = np.where(is_up, ends, starts), np.where(is_up, starts, ends)
    first = np.clip(np.ceil(upper[:, 0]), 0, n_rows).astype(np.int64)
    counts = np.clip(np.ceil(lower[:, 0]), 0, n_rows).astype(np.int64) - first
    if counts.sum() > MOST_CROSSINGS:
        raise GridError(f"contours of one slice cross its rows more than {MOST_CROSSINGS:,} times")
    chunk = np.cumsum(counts) // _CROSSINGS_AT_ONCE
    for number in range(int(chunk[-1]) + 1):
        chosen = np.flatnonzero((chunk == number) & (counts > 0))
        edge = np.repeat(chosen, counts[chosen])
        offset = np.arange(len(edge)) - np.repeat(np.cumsum(counts[chosen]) - counts[chosen], counts[chosen])
        rows = first[edge] + offset
        part = (rows - upper[edge, 0]) / (lower[edge, 0] - upper[edge, 0])
        yield rows, upper[edge, 1] + part * (lower[edge, 1] - upper[edge, 1])


def _count_toggles(rows: NDArray[np.int64], columns: FloatArray, toggles: NDArray[np.int64]) -> None:
    """Count at each pixel how many edges were crossed on the way from its left neighbour's centre."""
    first = np.clip(np.ceil(columns), 0, toggles.shape[1] - 1).astype(np.int64)
    toggles += np.bincount(rows * toggles.shape[1] + first, minlength=toggles.size).reshape(toggles.shape)


def _mark_crossings(rows: NDArray[np.int64], columns: FloatArray, outline: BoolArray) -> None:
    whole = np.rint(np.clip(columns, -1, outline.shape[1]))
    is_on = (np.abs(columns - whole) <= ON_OUTLINE_PX) & (whole >= 0) & (whole < outline.shape[1])
    outline[rows[is_on], whole[is_on].astype(np.int64)] = True


def _mark_corners(corners: FloatArray, outline: BoolArray) -> None:
    is_on = (corners == np.rint(corners)).all(axis=1) & (corners >= 0).all(axis=1)
    is_on &= (corners < outline.shape).all(axis=1)
    found = corners[is_on].astype(np.int64)
    outline[found[:, 0], found[:, 1]] = True


def _level_edges(starts: FloatArray, ends: FloatArray, shape: tuple[int, int]) -> BoolArray:
    """Mark the centres along edges that run on a line of centres, which cross no such line."""
    n_rows, n_columns = shape
    is_level = (starts[:, 0] == ends[:, 0]) & (starts[:, 0] == np.rint(starts[:, 0]))
    is_level &= (starts[:, 0] >= 0) & (starts[:, 0] < n_rows)
    rows = starts[is_level, 0].astype(np.int64)
    columns = np.sort(np.stack([starts[is_level, 1], ends[is_level, 1]]), axis=0)
    first = np.clip(np.ceil(columns[0]), 0, n_columns).astype(np.int64)
    end = np.clip(np.floor(columns[1]) + 1, 0, n_columns).astype(np.int64)
    steps = np.zeros((n_rows, n_columns + 1), dtype=np.int64)
    np.add.at(steps, (rows, first), 1)
    np.add.at(steps, (rows, np.maximum(end, first)), -1)
    return np.asarray(np.cumsum(steps[:, :-1], axis=1) > 0)
