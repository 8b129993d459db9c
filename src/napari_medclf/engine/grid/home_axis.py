"""Where the samples of a source axis lie between the planes of a model axis."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from napari_medclf.domain.arrays import FloatArray

Index = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class HomeAxis:
    """One axis of the way home: every new sample lies in a cell, between the cell's lower and upper plane.

    Parameters
    ----------
    cell : (n_new,) int
        Grows or falls along the axis. Cell c lies between the planes c - 1 and c, of which the outermost ones are
        repeated at the edges; where nothing is `is_between`, cell c is plane c.
    weight : (n_new,) float32
        Part of the upper plane, from 0 to 1.
    n_planes : int
        Planes of the model axis.
    is_between : bool
        Whether samples are mixed from two planes.
    """

    cell: Index
    weight: FloatArray
    n_planes: int
    is_between: bool

    @classmethod
    def linear(cls, positions: FloatArray, n_planes: int) -> HomeAxis:
        """Linear between the planes and constant outside of them; `positions` (n_new,) are in planes."""
        inside = np.clip(np.asarray(positions, dtype=np.float64), -1, n_planes - 1)
        below = np.floor(inside)
        if (inside == below).all() and inside.min() >= 0:
            return cls.nearest(below.astype(np.intp), n_planes)
        cell = (below + 1).astype(np.intp)
        weight = np.where((cell == 0) | (cell == n_planes), 0, inside - below)
        return cls(cell, weight.astype(np.float32), n_planes, is_between=True)

    @classmethod
    def nearest(cls, planes: Index, n_planes: int) -> HomeAxis:
        """Each new sample is the plane (n_new,) named."""
        return cls(planes, np.zeros(len(planes), dtype=np.float32), n_planes, is_between=False)

    def reversed(self) -> HomeAxis:
        """Give the axis seen from its other end."""
        return HomeAxis(self.cell[::-1].copy(), self.weight[::-1].copy(), self.n_planes, self.is_between)

    @property
    def n_new(self) -> int:
        """Samples of the source axis."""
        return len(self.cell)

    @property
    def n_cells(self) -> int:
        """Cells, with those at the edges."""
        return self.n_planes + self.is_between

    @cached_property
    def count(self) -> Index:
        """New samples in each cell: (n_cells,)."""
        return np.asarray(np.bincount(self.cell, minlength=self.n_cells), dtype=np.intp)

    @cached_property
    def start(self) -> Index:
        """First new sample of each cell (n_cells,); 0 where there is none."""
        start = np.zeros(self.n_cells, dtype=np.intp)
        backwards = np.arange(self.n_new)[::-1]
        start[self.cell[backwards]] = backwards  # the last one written is the first one
        return start

    def corners(self, cells: Index) -> Index:
        """Lower and upper planes (2, n) of cells (n,), or the one plane (1, n)."""
        if not self.is_between:
            return cells[np.newaxis]
        return np.stack([np.maximum(cells - 1, 0), np.minimum(cells, self.n_planes - 1)])

    def span(self, first_cell: int, n_cells: int) -> slice:
        """New samples that lie in some cells that follow each other; empty where there are none."""
        found = np.flatnonzero((self.cell >= first_cell) & (self.cell < first_cell + n_cells))
        return slice(int(found[0]), int(found[-1]) + 1) if len(found) else slice(0, 0)
