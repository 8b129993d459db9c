"""The regions of an RT structure set as it was drawn, before any grid."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from napari_medclf.domain.arrays import FloatArray
from napari_medclf.domain.derived import Contour, Region
from napari_medclf.domain.errors import ReadError
from napari_medclf.io.derived.reference import items
from napari_medclf.io.derived.rtstruct.contour_data import count_numbers, read_points
from napari_medclf.io.derived.sr.code import read_code
from napari_medclf.io.dicom import tags

MOST_POINTS = 20_000_000
"""Points in a file; 1,000 times what a planning CT with 50 organs holds."""
_CLOSED = ("CLOSED_PLANAR", "CLOSEDPLANAR_XOR")
_OPEN = ("POINT", "OPEN_PLANAR", "OPEN_NONPLANAR")
_MOST_NAME = 64
_FARTHEST_MM = 1e6
# Colours for regions that have none: Okabe & Ito 2008.
_PALETTE = ("#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7", "#999999")


def parse_regions(path: Path, dataset: Any, warnings: list[str]) -> tuple[Region, ...]:
    """Read all regions, with and without contours.

    Parameters
    ----------
    warnings : list of str
        Gains a sentence for what is odd; names regions by their number, as their names are free text.

    Raises
    ------
    ReadError
        If there are no regions, or more points than `MOST_POINTS`.

    Notes
    -----
    Structure Set, ROI Contour and RT ROI Observations Modules, DICOM PS3.3 C.8.8.5, C.8.8.6, C.8.8.8.
    """
    declared = items(dataset, "StructureSetROISequence")
    if not declared:
        raise ReadError(path, "is a structure set without regions", "Export it again from the planning system.")
    drawn = _by_number(items(dataset, "ROIContourSequence"))
    observed = _by_number(items(dataset, "RTROIObservationsSequence"))
    known = [int(tags.number(item, "ROINumber", -1)) for item in declared]
    _warn_of_strangers(known, drawn, warnings)
    points_left = MOST_POINTS
    regions: list[Region] = []
    for number, item in zip(known, declared, strict=True):
        contours, damage = _contours(drawn.get(number))
        points_left -= sum(len(one.points) for one in contours)
        if points_left < 0:
            raise ReadError(path, f"holds more than {MOST_POINTS:,} contour points, which no drawing needs")
        if damage:
            warnings.append(f"Region {number} has {damage}.")
        regions.append(
            Region(
                number=number,
                name=_name(item, number),
                colour=_colour(drawn.get(number), len(regions)),
                contours=contours,
                code=_code(observed.get(number)),
            )
        )
    return tuple(regions)


def _by_number(sequence: list[Any]) -> dict[int, Any]:
    found: dict[int, Any] = {}
    for item in sequence:
        found.setdefault(int(tags.number(item, "ReferencedROINumber", -1)), item)
    return found


def _warn_of_strangers(known: list[int], drawn: dict[int, Any], warnings: list[str]) -> None:
    strange = sorted(set(drawn) - set(known))
    if strange:
        warnings.append(f"Contours of the regions {strange[:5]} were left out: the structure set does not list them.")
    repeated = sorted(number for number, n_times in Counter(known).items() if n_times > 1)
    if repeated:
        warnings.append(f"The region numbers {repeated[:5]} stand twice; both have the same contours.")


def _contours(item: Any) -> tuple[tuple[Contour, ...], str]:
    """Read what can be read, and say what could not."""
    found, damaged = [], []
    for one in [] if item is None else items(item, "ContourSequence"):
        kind = tags.text(one, "ContourGeometricType").upper()
        points = _points(one)
        if points is None or kind not in _CLOSED + _OPEN:
            damaged.append("of an unknown type" if points is not None else "without whole, finite points")
            continue
        found.append(Contour(points, kind in _CLOSED, _slice_uid(one)))
    odd = [f"damaged contours ({len(damaged)}, the first {damaged[0]}) that were left out"] if damaged else []
    n_wrong = 0 if item is None else _count_wrong(item)
    odd += [f"contours ({n_wrong}) that hold another number of points than they declare"] if n_wrong else []
    return tuple(found), " and ".join(odd)


def _count_wrong(item: Any) -> int:
    declared = [(tags.number(one, "NumberOfContourPoints", -1), one) for one in items(item, "ContourSequence")]
    return sum(count >= 0 and 3 * count != count_numbers(one) for count, one in declared)


def _points(contour: Any) -> FloatArray | None:
    """(N, 3) LPS millimetres, or None where they are no whole points, not finite, or a kilometre away."""
    points = read_points(contour)
    return points if points is not None and (np.abs(points) < _FARTHEST_MM).all() else None


def _slice_uid(contour: Any) -> str:
    named = items(contour, "ContourImageSequence")
    return tags.text(named[0], "ReferencedSOPInstanceUID") if len(named) == 1 else ""


def _name(item: Any, number: int) -> str:
    name = "".join(one for one in tags.text(item, "ROIName") if one.isprintable()).strip()
    return name[:_MOST_NAME] or f"ROI {number}"


def _colour(item: Any, position: int) -> str:
    values = None if item is None else tags.numbers(item, "ROIDisplayColor")
    if not values or len(values) != 3 or not all(0 <= one <= 255 for one in values):
        return _PALETTE[position % len(_PALETTE)]
    return "#" + "".join(f"{int(one):02X}" for one in values)


def _code(item: Any) -> Any:
    return None if item is None else read_code(item, "RTROIIdentificationCodeSequence")
