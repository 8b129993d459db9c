"""Interpolate a few classes inside of cells, and write the best one where it belongs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from napari_medclf.domain.arrays import FloatArray, LabelArray
from napari_medclf.engine.grid.home_axis import Index
from napari_medclf.engine.restore.cells import Axes, Cells

# Cells worked on at once: their samples stay in the cache next to the core.
_BATCH_CELLS = 2**11


@dataclass(frozen=True, eq=False)
class Room:
    """New voxels to be labelled.

    Parameters
    ----------
    labels : (n, J, I) integer
        Contiguous.
    first_plane : int
        Number of the first of its planes.
    axes : three HomeAxis
        How new samples lie in cells.
    """

    labels: LabelArray
    first_plane: int
    axes: Axes


def decide_pairs(room: Room, cells: Cells, pair: tuple[LabelArray, LabelArray], difference: FloatArray) -> None:
    """Write the better of two classes into all voxels of cells.

    Parameters
    ----------
    pair : two (n,) integer
        The lower and the higher class, which must win by more than nothing.
    difference : (n_corners, n) float32
        Logits of the higher class minus those of the lower one.
    """
    for batch, size in _iter_batches(cells):
        few, low = cells.some(batch), pair[0][batch]
        wins = expand(difference[:, batch], few, room.axes, size) > 0
        labels = wins.view(np.uint8) * (pair[1][batch] ^ low)
        labels ^= low
        _write(room, labels, few, size)


def decide_many(room: Room, cells: Cells, classes: Index, values: FloatArray, *, is_half: bool) -> None:
    """Write the best of several classes into all voxels of cells.

    Parameters
    ----------
    classes : (K, n) int
        In growing order.
    values : (K, n_corners, n) float32
        Their logits at the corners.
    is_half : bool
        Compare in half precision.
    """
    names = classes.astype(room.labels.dtype)
    for batch, size in _iter_batches(cells):
        few, name = cells.some(batch), names[:, batch]
        best = expand(values[0][:, batch], few, room.axes, size, is_half=is_half)
        labels = np.broadcast_to(name[0], best.shape).copy()
        for one_name, one_class in zip(name[1:], values[1:], strict=True):
            scores = expand(one_class[:, batch], few, room.axes, size, is_half=is_half)
            wins = (scores > best).view(np.uint8)
            np.maximum(best, scores, out=best)
            np.maximum(labels, wins * one_name, out=labels)  # a later class has the higher number
        _write(room, labels, few, size)


def expand(
    corners: FloatArray, cells: Cells, axes: Axes, size: tuple[int, int, int], *, is_half: bool = False
) -> FloatArray:
    """Interpolate values at the corners (n_corners, n) to the new samples (*size, n) inside of cells."""
    values = corners.reshape(*(1 + axis.is_between for axis in axes), len(cells))
    for axis in (2, 1, 0):
        if axes[axis].is_between:
            new = cells.start[axis] + np.arange(size[axis])[:, np.newaxis]
            weight = axes[axis].weight[new].reshape(-1, *[1] * (2 - axis), len(cells))
            lower, upper = (values.take([side], axis=axis) for side in (0, 1))
            values = (upper - lower) * weight
            values += lower
        elif size[axis] > 1:
            values = values.repeat(size[axis], axis=axis)
    if is_half:
        return np.asarray(values.astype(np.float16).astype(np.float32))
    return np.asarray(values)


def _iter_batches(cells: Cells) -> Iterator[tuple[Index, tuple[int, int, int]]]:
    """Yield cells (as indices) that hold equally many new voxels, a batch at a time."""
    k, j, i = cells.count
    code = (k * (j.max(initial=0) + 1) + j) * (i.max(initial=0) + 1) + i
    order = np.argsort(code, kind="stable")
    for group in np.split(order, np.flatnonzero(np.diff(code[order])) + 1):
        if len(group) == 0:
            continue
        size = (int(k[group[0]]), int(j[group[0]]), int(i[group[0]]))
        if 0 not in size:
            for start in range(0, len(group), _BATCH_CELLS):
                yield group[start : start + _BATCH_CELLS], size


def _write(room: Room, labels: LabelArray, cells: Cells, size: tuple[int, int, int]) -> None:
    _, n_rows, n_columns = room.labels.shape
    first = ((cells.start[0] - room.first_plane) * n_rows + cells.start[1]) * n_columns + cells.start[2]
    k, j, i = (np.arange(n) for n in size)
    steps = (k[:, np.newaxis, np.newaxis] * n_rows + j[:, np.newaxis]) * n_columns + i
    room.labels.reshape(-1)[steps[..., np.newaxis] + first] = labels
