"""The size of a pixel, from whichever attribute tells it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from napari_medclf.domain.errors import ReadError
from napari_medclf.io.dicom import tags

_CENTIMETRE = 3  # PS3.3 C.8.5.5.1.15, physical units of an ultrasound region


@dataclass(frozen=True)
class Spacing:
    """Distance of rows and of columns, and what to know about it (may be empty)."""

    row_mm: float
    column_mm: float
    warning: str = ""


def find_spacing(path: Path, dataset: Any) -> Spacing | None:
    """Find how far apart rows and columns are; None where no attribute tells.

    Raises
    ------
    ReadError
        If the pixel spacing is not two positive numbers.
    """
    for keyword, warning in (
        ("PixelSpacing", ""),
        (
            "ImagerPixelSpacing",
            "Its spacing was measured at the detector: lengths in the patient are smaller by the magnification.",
        ),
        ("NominalScannedPixelSpacing", "Its spacing is that of the scanned film."),
    ):
        found = tags.numbers(dataset, keyword)
        if found:
            return _checked(path, keyword, found, warning)
    return _of_ultrasound(dataset)


def _checked(path: Path, keyword: str, numbers: list[float], warning: str) -> Spacing:
    if len(numbers) != 2 or not all(1e-5 <= number <= 1e4 for number in numbers):
        raise ReadError(path, f"has the {keyword} {numbers}, and two positive numbers were expected")
    return Spacing(numbers[0], numbers[1], warning)


def _of_ultrasound(dataset: Any) -> Spacing | None:
    """Spacing of the calibrated regions, where they all agree."""
    found = set()
    for region in dataset.get("SequenceOfUltrasoundRegions") or ():
        units = (region.get("PhysicalUnitsXDirection"), region.get("PhysicalUnitsYDirection"))
        if units == (_CENTIMETRE, _CENTIMETRE):
            found.add((abs(float(region.PhysicalDeltaY)) * 10, abs(float(region.PhysicalDeltaX)) * 10))
    if len(found) != 1:
        return None
    row_mm, column_mm = found.pop()
    if not (math.isfinite(row_mm) and math.isfinite(column_mm) and row_mm > 0 and column_mm > 0):
        return None
    return Spacing(row_mm, column_mm, "Its spacing holds inside the ultrasound region only.")
