"""Values of DICOM elements as plain Python values; what is missing or odd never raises a library's error."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from napari_medclf.domain.errors import ReadError
from napari_medclf.domain.geometry import Vector3
from napari_medclf.io.preflight import NoNumberError

_MOST_MM = 1e5
_SIZES_MM = (1e-5, 1e4)
_MOST_SCALE = 1e12
_SILENTLY_OFF = 1e-4
_SERIES_TIMES = (("SeriesDate", "SeriesTime"), ("AcquisitionDate", "AcquisitionTime"))
_DATE_DIGITS = 8
_MOST_OFF = 1e-3 + 1e-9  # decimal digits of exactly 0.1 % are not refused for their last bit


def text(dataset: Any, keyword: str) -> str:
    """Text of an element, empty where it is missing."""
    value = dataset.get(keyword)
    return "" if value is None else str(value).strip().strip("\0")


def meta_text(dataset: Any, keyword: str) -> str:
    """Text of an element of the file's own header, empty where there is none."""
    meta = getattr(dataset, "file_meta", None)
    return "" if meta is None else text(meta, keyword)


def numbers(dataset: Any, keyword: str) -> list[float] | None:
    """All numbers of an element, None where it is missing or empty.

    Raises
    ------
    NoNumberError
        If it holds anything else, such as a comma for the decimal point.
    """
    try:
        value = dataset.get(keyword)
        if value is None or value == "":
            return None
        values = list(value) if hasattr(value, "__iter__") and not isinstance(value, str) else [value]
        return [float(one) for one in values] or None
    except (ValueError, TypeError, ArithmeticError):
        raise NoNumberError(keyword) from None  # the library's message shows the value


def number(dataset: Any, keyword: str, default: float) -> float:
    """First number of an element, or `default` where there is no finite one."""
    found = numbers(dataset, keyword)
    return found[0] if found and math.isfinite(found[0]) else default


def size_mm(dataset: Any, keyword: str) -> float | None:
    """Size of a length without its sign, None where it is missing, zero or beyond what can be."""
    found = abs(number(dataset, keyword, 0.0))
    return found if _SIZES_MM[0] <= found <= _SIZES_MM[1] else None


def scale(path: Path, dataset: Any, keyword: str, default: float) -> float:
    """Slope or intercept, or `default` where it is missing or empty.

    Raises
    ------
    ReadError
        If it is not one number, not finite, a slope of zero, or beyond any measurement.
    """
    found = numbers(dataset, keyword)
    if not found:
        return default
    if len(found) > 1:
        raise ReadError(path, f"has {len(found)} numbers as {keyword}, and one was expected")
    value = found[0]
    if not abs(value) <= _MOST_SCALE or (value == 0 and default):
        raise ReadError(path, f"has a {keyword} of {value:g}, which makes no sense of its samples")
    return value


def count(path: Path, dataset: Any, keyword: str, default: int = 0) -> int:
    """Whole number from one up.

    Raises
    ------
    ReadError
        If there is none.
    """
    found = int(number(dataset, keyword, default))
    if found < 1:
        raise ReadError(path, f"declares no {keyword}, so it is no complete image")
    return found


def vector(path: Path, dataset: Any, keyword: str) -> Vector3 | None:
    """Three finite numbers, None where the element is missing.

    Raises
    ------
    ReadError
        If it is something else, or more than 100 m away.
    """
    found = numbers(dataset, keyword)
    if found is None:
        return None
    if len(found) != 3 or not all(math.isfinite(one) for one in found):
        raise ReadError(path, f"has a {keyword} that is not three finite numbers")
    if max(map(abs, found)) > _MOST_MM:
        raise ReadError(path, f"has a {keyword} {max(map(abs, found)):.3g} mm away, which cannot be")
    return (found[0], found[1], found[2])


def orientation(
    path: Path, dataset: Any, notes: list[str], keyword: str = "ImageOrientationPatient"
) -> tuple[Vector3 | None, Vector3 | None]:
    """Unit vectors along a row and down a column; None where the element is missing or all zero.

    Raises
    ------
    ReadError
        If they are off unit length or a right angle by more than 0.1 %; from 0.01 % it is noted.
    """
    found = numbers(dataset, keyword)
    if found is None or not any(found):
        return None, None
    if len(found) != 6 or not all(math.isfinite(one) for one in found):
        raise ReadError(path, f"has an {keyword} that is not six finite numbers")
    row, column = found[:3], found[3:]
    lengths = math.hypot(*row), math.hypot(*column)
    lean = abs(sum(a * b for a, b in zip(row, column, strict=True)))
    off = max(abs(lengths[0] - 1), abs(lengths[1] - 1), lean)
    if off > _MOST_OFF:
        raise ReadError(path, f"has row and column directions that are no right-angled unit vectors (off by {off:.3g})")
    if off > _SILENTLY_OFF:
        notes.append(f"Its row and column directions are off a right angle or unit length by {off:.2g}.")
    return _unit(row, lengths[0]), _unit(column, lengths[1])


def series_time(dataset: Any) -> str:
    """When the series began, else when it was acquired, as digits that can be compared; empty where nothing tells.

    A date without a time sorts before all times of that day; a time without a date says nothing.
    """
    for date_keyword, time_keyword in _SERIES_TIMES:
        date = text(dataset, date_keyword).replace(".", "")
        if len(date) == _DATE_DIGITS and date.isdigit():
            time = text(dataset, time_keyword).replace(":", "")
            return date + time if time.replace(".", "", 1).isdigit() else date
    moment = text(dataset, "AcquisitionDateTime")[:14]
    return moment if moment.isdigit() and len(moment) >= _DATE_DIGITS else ""


def _unit(values: list[float], length: float) -> Vector3:
    x, y, z = (one / length for one in values)
    return (x, y, z)
