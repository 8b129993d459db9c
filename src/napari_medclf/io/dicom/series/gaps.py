"""Series whose slices are missing or unevenly far apart: what to say, and grids that hold them all the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_medclf.domain.arrays import FloatArray, PixelArray
from napari_medclf.domain.image import Gaps

TOLERATED = 0.05
"""How much of a step a slice may stray from its place before its series is no longer even."""
_TYPICAL_SHARE = 0.1
_MOST_SLICES = 10_000
# Nearer to an acquired slice than this share of the way, its samples are taken as they are.
_EXACT = 1e-6


@dataclass(frozen=True)
class Grid:
    """Slices of axis k.

    Parameters
    ----------
    acquired_k : tuple of float
        Where each acquired slice lies on it; empty where slice n lies at k = n.
    note : str
        What was done, as a sentence; empty where nothing was.
    """

    n_slices: int
    acquired_k: tuple[float, ...] = ()
    note: str = ""


def typical_gap(distances: FloatArray) -> float:
    """Lower median of the distances, in mm."""
    return float(np.sort(distances)[(len(distances) - 1) // 2])


def possible_ways(along: FloatArray) -> tuple[Gaps, ...]:
    """What a person may choose for slices at these places along their normal, in mm."""
    n_even = _n_even(along)
    ways = (Gaps.BLANK,) if blank_positions(along) is not None else ()
    return (*ways, Gaps.RESAMPLE) if n_even <= _MOST_SLICES else ways


def blank_positions(along: FloatArray) -> NDArray[np.int64] | None:
    """Whole-numbered places on axis k; None where the gaps are no whole numbers of steps."""
    step = _smallest_typical(np.diff(along))
    n_steps = (along[-1] - along[0]) / step
    if not 1 <= round(n_steps) < _MOST_SLICES:
        return None
    exact = (along - along[0]) / (along[-1] - along[0]) * round(n_steps)
    nearest = np.rint(exact).astype(np.int64)
    is_whole = bool(np.abs(exact - nearest).max() <= TOLERATED) and bool((np.diff(nearest) > 0).all())
    return nearest if is_whole else None


def blank_grid(along: FloatArray) -> Grid:
    """Leave a slice empty at each place where one is missing."""
    nearest = blank_positions(along)
    if nearest is None:
        return even_grid(along)
    n_slices = int(nearest[-1]) + 1
    n_missing = n_slices - len(along)
    gap_k = int(np.argmax(np.diff(nearest) > 1))
    note = (
        f"{n_missing} of its {n_slices} slices are missing and were left blank (lowest value), the first after "
        f"slice {gap_k + 1}."
    )
    return Grid(n_slices, tuple(float(k) for k in nearest), note)


def even_grid(along: FloatArray) -> Grid:
    """Lay slices at even steps, near the smallest typical gap, from the first slice exactly to the last."""
    distances = np.diff(along)
    n_slices = _n_even(along)
    step_mm = float(along[-1] - along[0]) / (n_slices - 1)
    acquired_k = (along - along[0]) / step_mm
    note = (
        f"Its {len(along)} slices are {distances.min():.4g} to {distances.max():.4g} mm apart; they were interpolated "
        f"to {n_slices} slices at {step_mm:.4g} mm."
    )
    return Grid(n_slices, tuple(float(k) for k in acquired_k), note)


def describe_gaps(distances: FloatArray) -> str:
    """Say between which slices the distance is odd, and how many millimetres it is."""
    typical = typical_gap(distances)
    odd = np.flatnonzero(np.abs(distances - typical) > TOLERATED * typical)
    if odd.size > max(2, len(distances) // 10):
        return f"its slices are unevenly far apart: {_list_gaps(distances)}"
    if odd.size == 0:
        return f"its slices are {distances.min():.4g} to {distances.max():.4g} mm apart and drift off even steps"
    first = int(odd[0])
    n_missing = distances[odd] / typical - 1
    is_missing = bool((np.abs(n_missing - np.rint(n_missing)) < TOLERATED).all() and (n_missing > 0.5).all())
    verdict = f" mm; missing slices: {int(np.rint(n_missing).sum())}" if is_missing else " mm"
    more = f" (and {odd.size - 1} more such gaps)" if odd.size > 1 else ""
    pair = f"slices {first + 1} and {first + 2} are {distances[first]:.4g} mm apart"
    return f"{pair}{more}, the others {typical:.4g}{verdict}"


def fill(data: PixelArray, acquired_k: Sequence[float], n_slices: int, gaps: Gaps) -> PixelArray:
    """Bring acquired slices onto a grid.

    Parameters
    ----------
    data : (..., n_acquired, J, I)
        In the order of `acquired_k`.

    Returns
    -------
    (..., n_slices, J, I)
        Of the same dtype. Blank slices hold the lowest value; between acquired slices the value is
        interpolated along k, and rounded where samples are whole numbers.
    """
    if not isinstance(data, np.ndarray):
        return _promise(data, acquired_k, n_slices, gaps)
    filled = np.empty((*data.shape[:-3], n_slices, *data.shape[-2:]), data.dtype)
    lowest = data.min()
    for k in range(n_slices):
        filled[..., k, :, :] = _slice(data, acquired_k, k, gaps, lowest)
    return filled


def _promise(data: Any, acquired_k: Sequence[float], n_slices: int, gaps: Gaps) -> Any:
    """Do as `fill` with a dask array; blank slices hold the lowest value of the first one."""
    from dask.array import stack

    lowest = data[..., :1, :, :].min().compute()
    slices = [_slice(data, acquired_k, k, gaps, lowest).astype(data.dtype) for k in range(n_slices)]
    return stack(slices, axis=data.ndim - 3)


def _slice(data: Any, acquired_k: Sequence[float], k: int, gaps: Gaps, lowest: Any) -> Any:
    """Samples of one slice of the grid, (..., J, I)."""
    places = np.asarray(acquired_k)
    upper = int(np.clip(np.searchsorted(places, k), 1, len(places) - 1))
    if gaps is Gaps.BLANK:
        nearest = int(np.argmin(np.abs(places - k)))
        acquired = data[..., nearest, :, :]
        return acquired if round(places[nearest]) == k else np.full_like(acquired, lowest)
    share = float(np.clip((k - places[upper - 1]) / (places[upper] - places[upper - 1]), 0, 1))
    return _between(data[..., upper - 1, :, :], data[..., upper, :, :], share)


def _between(below: Any, above: Any, share: float) -> Any:
    if share < _EXACT or share > 1 - _EXACT:
        return below if share < _EXACT else above
    mixed = below * (1 - share) + above * share
    return np.rint(mixed) if below.dtype.kind in "iu" else mixed


def _smallest_typical(distances: FloatArray) -> float:
    """Smallest distance that a good part of the gaps share, in mm."""
    for distance in np.sort(distances):
        alike = distances[np.abs(distances - distance) <= TOLERATED * distance]
        if len(alike) >= max(2, _TYPICAL_SHARE * len(distances)):
            return float(np.median(alike))
    return typical_gap(distances)


def _n_even(along: FloatArray) -> int:
    total = float(along[-1] - along[0])
    return max(2, round(min(total / _smallest_typical(np.diff(along)), 2.0 * _MOST_SLICES)) + 1)


def _list_gaps(distances: FloatArray) -> str:
    counted = Counter(round(float(gap), 2) for gap in distances).most_common(4)
    parts = []
    for gap, n_times in counted:
        first = int(np.argmax(np.abs(distances - gap) < 0.006))
        parts.append(f"{gap:g} mm {n_times}x, first between slices {first + 1} and {first + 2}")
    return "; ".join(parts)
