"""Take planes that lie at one place apart: kinds become images of their own, times become one image."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from napari_medclf.io.dicom.header import Header
from napari_medclf.io.dicom.series.place import SAME_DIRECTION, PlacementError, piles, place
from napari_medclf.io.dicom.series.times import Times, find_times
from napari_medclf.io.dicom.series.traits import KIND_NAMES

_ACQUISITION = KIND_NAMES.index("acquisition")
_SAME_SPACING = 1e-4


@dataclass(frozen=True)
class Part:
    """Planes that make one image.

    Parameters
    ----------
    headers : tuple of Header
        Of the first time where there are several.
    times : Times or None
        All times, the first one included.
    label : str
        What sets it apart, in words; may be empty.
    """

    headers: tuple[Header, ...]
    label: str = ""
    times: Times | None = None


def by_plane(headers: Sequence[Header]) -> list[tuple[str, list[Header]]]:
    """Group placed planes by orientation and pixel spacing, each with a label; empty where all are alike."""
    planes = np.array([_plane_numbers(header) for header in headers])
    tolerance = np.array([SAME_DIRECTION] * 6 + [_SAME_SPACING] * 2)
    waiting, groups = np.arange(len(headers)), []
    while waiting.size:
        first = planes[waiting[0]]
        scale = np.concatenate([np.ones(6), first[6:]])
        is_alike = (np.abs(planes[waiting] - first) <= tolerance * scale).all(axis=1)
        groups.append([headers[n] for n in waiting[is_alike]])
        waiting = waiting[~is_alike]
    return [(_plane_label(group[0]) if len(groups) > 1 else "", group) for group in groups]


def split(headers: Sequence[Header], refuse: Callable[[Sequence[Header], PlacementError], None]) -> list[Part]:
    """Give the images that planes of one orientation make.

    Parameters
    ----------
    refuse : callable
        Told of planes whose places repeat for no known reason, or of incomplete times.
    """
    if all(len(pile) == 1 for pile in piles(headers)):
        return _interleaved(headers) or [Part(tuple(headers))]
    parts: list[Part] = []
    for label, group in _by_kind(headers):
        try:
            parts += _by_time(label, group)
        except PlacementError as error:
            refuse(group, error)
    return parts


def grouped(headers: Iterable[Header], key: Callable[[Header], Hashable]) -> list[list[Header]]:
    """Group by a key, in the order in which keys first appear."""
    groups: dict[Hashable, list[Header]] = {}
    for header in headers:
        groups.setdefault(key(header), []).append(header)
    return list(groups.values())


def _by_kind(headers: Sequence[Header]) -> list[tuple[str, list[Header]]]:
    """Group by each attribute that tells planes at one place apart; acquisitions wait until times were tried."""
    stacked = piles(headers)
    groups: list[tuple[str, list[Header]]] = [("", list(headers))]
    for index, name in enumerate(KIND_NAMES):
        varies = any(len({header.kinds[index] for header in pile}) > 1 for pile in stacked)
        if index == _ACQUISITION or not varies:
            continue
        finer = []
        for label, group in groups:
            parts = grouped(group, lambda header, index=index: header.kinds[index])  # type: ignore[misc]
            if len(parts) == 1 or all(len(pile) == 1 for pile in piles(group)):
                finer.append((label, group))
                continue
            finer += [(f"{label} {name} {part[0].kinds[index] or 'none'}".strip(), part) for part in parts]
        groups = finer
    return groups


def _by_time(label: str, group: list[Header]) -> list[Part]:
    stacked = piles(group)
    if all(len(pile) == 1 for pile in stacked):
        return [Part(tuple(group), label)]
    acquisitions = grouped(group, lambda header: header.kinds[_ACQUISITION])
    are_apart = len(acquisitions) > 1 and all(len(pile) == 1 for one in acquisitions for pile in piles(one))
    try:
        times = find_times(stacked)
    except PlacementError:
        if not are_apart:
            raise
        times = None
    if times is not None:
        return [Part(times.volumes[0], label, times)]
    if are_apart and min(len(one) for one in acquisitions) > 1:
        name = KIND_NAMES[_ACQUISITION]
        return [Part(tuple(one), f"{label} {name} {one[0].kinds[_ACQUISITION]}".strip()) for one in acquisitions]
    return [Part(tuple(group), label)]


def _interleaved(headers: Sequence[Header]) -> list[Part]:
    """Take apart what lies unevenly as a whole, overlaps, and lies evenly by the values of one attribute."""
    if len(headers) < 4 or _is_even(headers):
        return []
    for index, name in enumerate(KIND_NAMES):
        groups = grouped(headers, lambda header, index=index: header.kinds[index])  # type: ignore[misc]
        are_apart = name == "stack" or _overlap(groups)  # a StackID says by itself what belongs together
        if len(groups) > 1 and min(map(len, groups)) > 1 and are_apart and all(map(_is_even, groups)):
            return [Part(tuple(group), f"{name} {group[0].kinds[index] or 'none'}") for group in groups]
    return []


def _is_even(headers: Sequence[Header]) -> bool:
    try:
        place(headers)
    except PlacementError:
        return False
    return True


def _overlap(groups: Sequence[Sequence[Header]]) -> bool:
    """Whether slices of one group lie between those of another."""
    row, column = np.array(groups[0][0].row), np.array(groups[0][0].column)
    normal = np.cross(row, column)
    along = [[float(np.dot(normal, np.array(header.position))) for header in group] for group in groups]
    spans = sorted((min(one), max(one)) for one in along)
    return any(later[0] < earlier[1] for earlier, later in pairwise(spans))


def _plane_numbers(header: Header) -> tuple[float, ...]:
    """Directions of a row and a column, and spacing: what planes of one volume share."""
    if header.row is None or header.column is None or header.spacing is None:
        return (0.0,) * 8
    return (*header.row, *header.column, header.spacing.row_mm, header.spacing.column_mm)


def _plane_label(header: Header) -> str:
    """Name an orientation by its normal, and the spacing, the same whatever else is scanned."""
    normal = np.cross(header.row or (1, 0, 0), header.column or (0, 1, 0))
    axis = int(np.argmax(np.abs(normal)))
    name = ("sagittal", "coronal", "axial")[axis] if abs(normal[axis]) > 0.99 else "oblique"
    spacing = f" {header.spacing.row_mm:.6g} x {header.spacing.column_mm:.6g} mm" if header.spacing else ""
    return f"{name}{spacing} {'_'.join(f'{x:.2f}' for x in normal + 0.0)}"
