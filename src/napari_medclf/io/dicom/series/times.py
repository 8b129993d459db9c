"""Several times at each place: volumes that follow each other, or a sentence about which are missing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from napari_medclf.domain.arrays import FloatArray
from napari_medclf.io.dicom.header import Header
from napari_medclf.io.dicom.series.place import PlacementError
from napari_medclf.io.dicom.series.traits import ACQUISITION_TIME, TIME_NAMES, TIME_UNITS

_SAME_CORNER_MM = 0.01
_SEPARATE = "Fetch the whole series, or open its volumes one by one."


@dataclass(frozen=True)
class Times:
    """Volumes of the same slices, in order of time.

    Parameters
    ----------
    volumes : tuple of tuple of Header
        One tuple a time, in order along the normal.
    values : tuple of float
        When each volume was taken, in `unit`.
    unit : str
        s or ms; empty where the values only count.
    """

    volumes: tuple[tuple[Header, ...], ...]
    values: tuple[float, ...]
    unit: str
    warnings: tuple[str, ...] = ()


def find_times(piles: Sequence[Sequence[Header]]) -> Times | None:
    """Arrange planes that lie on top of each other by the first attribute that tells their times.

    Times that differ a little from slice to slice, as of a heartbeat or a slow scanner, count by rank.

    Parameters
    ----------
    piles : sequence of sequence of Header
        Planes at one place each, in order along the normal.

    Returns
    -------
    Times or None
        None where no attribute tells them apart.

    Raises
    ------
    PlacementError
        If times are missing at some places.
    """
    for index, name in enumerate(TIME_NAMES):
        values = [[header.times[index] for header in pile] for pile in piles]
        if any(value is None for pile in values for value in pile):
            continue
        if any(len(set(pile)) < len(pile) for pile in values):
            continue
        _check_complete(piles, name)
        return _arranged(piles, index)
    return None


def _check_complete(piles: Sequence[Sequence[Header]], name: str) -> None:
    counts = [len(pile) for pile in piles]
    usual = Counter(counts).most_common(1)[0][0]
    odd = [n for n, count in enumerate(counts) if count != usual]
    if odd:
        more = f" (and {len(odd) - 1} more such slices)" if len(odd) > 1 else ""
        raise PlacementError(
            f"slice {odd[0] + 1} of {len(counts)} is there at {counts[odd[0]]} times{more}, the others at {usual} "
            f"(told by {name})",
            _SEPARATE,
        )


def _arranged(piles: Sequence[Sequence[Header]], index: int) -> Times:
    name = TIME_NAMES[index]
    ordered = [sorted(pile, key=lambda header: header.times[index] or 0.0) for pile in piles]
    values = np.array([[header.times[index] for header in pile] for pile in ordered], dtype=np.float64)
    warnings = []
    spread = float(np.ptp(values, axis=0).max())
    if spread > 0:
        _check_ranks(values, name)
        unit = TIME_UNITS[index]
        warnings.append(f"Its {name} differs by up to {spread:.4g} {unit} between slices; it counts by rank.")
    volumes = tuple(tuple(pile[t] for pile in ordered) for t in range(values.shape[1]))
    _check_corners(volumes)
    return Times(volumes, *_scale(volumes, index), tuple(warnings))


def _check_ranks(values: FloatArray, name: str) -> None:
    """Refuse ranks that mean different times at different places: one lost at the start, another at the end."""
    since_first = values - values[:, :1]
    usual = np.median(since_first, axis=0)
    shortest = float(np.diff(usual).min())
    start = float(np.ptp(values[:, 0]))
    # A slow scanner takes the slices of one volume one after the other, until the next one begins.
    if start > shortest * (0.99 if name == ACQUISITION_TIME else 0.5):
        raise PlacementError(
            f"the times of its slices do not fit together: by {name}, first times differ by {start:.4g}, and times "
            f"are {shortest:.4g} apart",
            _SEPARATE,
        )
    off = np.abs(since_first - usual)
    if off.max() > 0.5 * shortest:
        k, t = (int(n) for n in np.unravel_index(int(np.argmax(off)), off.shape))
        raise PlacementError(
            f"the times of its slices do not fit together: by {name}, time {t + 1} of slice {k + 1} is off by "
            f"{off[k, t]:.4g}, and times are {shortest:.4g} apart",
            _SEPARATE,
        )


def _check_corners(volumes: Sequence[Sequence[Header]]) -> None:
    first = np.array([header.position for header in volumes[0]], dtype=np.float64)
    for t, volume in enumerate(volumes[1:], start=2):
        off = np.linalg.norm(np.array([header.position for header in volume], dtype=np.float64) - first, axis=1)
        if off.max() > _SAME_CORNER_MM:
            k = int(np.argmax(off))
            raise PlacementError(f"slice {k + 1} of time {t} lies {off[k]:.3g} mm off that of time 1", _SEPARATE)


def _scale(volumes: Sequence[Sequence[Header]], index: int) -> tuple[tuple[float, ...], str]:
    """Values along the time axis; a mere position is exchanged for real times where there are any."""
    first_choice = [index] if TIME_UNITS[index] else [n for n, unit in enumerate(TIME_UNITS) if unit] + [index]
    for chosen in first_choice:
        found = [[header.times[chosen] for header in volume] for volume in volumes]
        if any(value is None for volume in found for value in volume):
            continue
        middle = np.median(np.array(found, dtype=np.float64), axis=1)
        if (np.diff(middle) > 0).all():
            start = middle[0] if TIME_NAMES[chosen] == ACQUISITION_TIME else 0.0
            return tuple(float(one) for one in middle - start), TIME_UNITS[chosen]
    return tuple(float(n) for n in range(len(volumes))), ""
