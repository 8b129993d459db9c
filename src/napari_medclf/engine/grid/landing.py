"""Room on the source grid, filled plane by plane of the model grid's axes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

if TYPE_CHECKING:
    from napari_medclf.engine.grid.grid_map import GridMap


class Landing:
    """An array on the source grid, seen with the axes of the model grid.

    Parameters
    ----------
    grid : GridMap
        Which axes were swapped, what was cropped, whether it stood upright. Flips are not undone here: `way_home`
        counts flipped axes backwards already.
    dtype : dtype
        Of the array; what lies outside of a crop is 0.
    order : (int, int, int)
        Model axes, the one whose planes are filled first.
    """

    def __init__(self, grid: GridMap, dtype: DTypeLike, order: tuple[int, ...] = (0, 1, 2)) -> None:
        self._grid = grid
        room = np.zeros if grid.crop is not None else np.empty
        self._source: NDArray[Any] = room(grid.source.shape, dtype)
        self._base = (
            self._source[grid.cropped] if grid.upright is None else np.empty(grid.upright.geometry.shape, dtype)
        )
        self._turned = self._base.transpose([grid.order[axis] for axis in order])

    @contextmanager
    def open(self, planes: slice) -> Iterator[NDArray[Any]]:
        """Give some planes in one piece, to be filled."""
        place = self._turned[planes]
        if place.flags.c_contiguous:
            yield place
        else:
            block = np.empty(place.shape, place.dtype)
            yield block
            place[...] = block

    def finish(self) -> NDArray[Any]:
        """Give the array on the source grid."""
        if self._grid.upright is not None:
            self._source[self._grid.cropped] = self._grid.upright.back(self._base)
        return self._source
