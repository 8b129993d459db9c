"""How the samples of one axis of a model grid lie on an axis of the image."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_medclf.domain.arrays import FloatArray
from napari_medclf.engine.grid.home_axis import HomeAxis
from napari_medclf.engine.grid.taps import Taps, tap_area, tap_linear


@dataclass(frozen=True)
class AxisMap:
    """Source position = offset + step * model index.

    Parameters
    ----------
    n_source, n_model : int
        Samples of either grid.
    step : float
        Source samples from a model sample to the next.
    offset : float
        Where the first model sample lies, in source samples.
    """

    n_source: int
    n_model: int
    step: float
    offset: float

    @classmethod
    def between_edges(cls, n_source: int, n_model: int) -> AxisMap:
        """Both grids fill the same box."""
        step = n_source / n_model
        return cls(n_source, n_model, step, (step - 1) / 2)

    @classmethod
    def from_centre(cls, n_source: int, step: float) -> AxisMap:
        """First samples coincide and the step is exact, as in MONAI's ``Spacing``."""
        # monai.data.utils.compute_shape_offset (1.6.1): from the first centre to the last, rounded half to even.
        return cls(n_source, int(np.round((n_source - 1) / step + 1)), step, 0.0)

    @classmethod
    def from_middle(cls, n_source: int, step: float) -> AxisMap:
        """As `from_centre`, but index n / 2 of both grids coincides: MONAI's ``Spacing`` where axes are not orthogonal.

        See `spacing_corner.keeps_first_voxel`.
        """
        n_model = cls.from_centre(n_source, step).n_model
        return cls(n_source, n_model, step, (n_source - step * n_model) / 2)

    @property
    def is_same(self) -> bool:
        """Whether there is nothing to resample."""
        return self.n_source == self.n_model and self.step == 1 and self.offset == 0

    def forward(self, *, is_area: bool) -> Taps | None:
        """Say how samples of the source make those of the model; None where they are the same."""
        if self.is_same:
            return None
        positions = self.offset + self.step * np.arange(self.n_model)
        return _tap(positions, self.step, self.n_source, is_area=is_area)

    def forward_nearest(self) -> NDArray[np.intp]:
        """Source sample under the centre of each model sample."""
        return self._nearest(self.offset + self.step * np.arange(self.n_model), self.n_source)

    def home(self, *, is_area: bool) -> Taps | None:
        """Say how samples of the model make those of the source; None where they are the same."""
        return None if self.is_same else _tap(self._positions_home(), 1 / self.step, self.n_model, is_area=is_area)

    def home_nearest(self) -> NDArray[np.intp]:
        """Model sample under the centre of each source sample."""
        return self._nearest(self._positions_home(), self.n_model)

    def way_home(self, *, is_area: bool, is_nearest: bool, is_flipped: bool) -> WayHome:
        """Plan the axis for streaming."""
        mix: Taps | None = None
        if is_nearest:
            axis = HomeAxis.nearest(self.home_nearest(), self.n_model)
        elif self.n_source < self.n_model:
            mix, axis = self.home(is_area=is_area), HomeAxis.nearest(np.arange(self.n_source), self.n_source)
        else:
            axis = HomeAxis.linear(self._positions_home(), self.n_model)
        return WayHome(axis.reversed() if is_flipped else axis, mix)

    def _positions_home(self) -> FloatArray:
        return np.asarray((np.arange(self.n_source) - self.offset) / self.step)

    def _nearest(self, positions: FloatArray, n: int) -> NDArray[np.intp]:
        # Half-way, over the same box the later one; from the first centre on as MONAI, the even one.
        whole = np.rint(positions) if self.offset == 0 else np.floor(positions + 0.5)
        return np.clip(whole, 0, n - 1).astype(np.intp)


@dataclass(frozen=True, eq=False)
class WayHome:
    """One axis from the model grid to the source grid.

    Parameters
    ----------
    axis : HomeAxis
        How planes, mixed or not, become source samples.
    mix : Taps or None
        Where the axis shrinks: how planes are mixed before.
    """

    axis: HomeAxis
    mix: Taps | None


def _tap(positions: FloatArray, width: float, n_old: int, *, is_area: bool) -> Taps:
    if is_area and width > 1:
        return tap_area(positions, width, n_old)
    return tap_linear(positions, n_old)
