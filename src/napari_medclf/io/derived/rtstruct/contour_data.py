"""Contour points in a data set, as the one string of numbers that they are in the file."""

from __future__ import annotations

from typing import Any

import numpy as np

from napari_medclf.domain.arrays import FloatArray

_CONTOUR_DATA = 0x30060050


def set_points(contour: Any, points: FloatArray) -> None:
    """Put points into an item of Contour Sequence that will be written in Implicit VR Little Endian.

    Parameters
    ----------
    points : (N, 3)
        LPS millimetres; written to the nanometre, within the 16 characters of a decimal string (PS3.5 6.2).
    """
    from pydicom.dataelem import RawDataElement
    from pydicom.tag import Tag

    text = "\\".join(_decimal(x) for x in points.ravel().tolist()).encode()
    text += b" " * (len(text) % 2)
    # pydicom 3 makes an object of each number, at a hundred times the memory and time of the bytes.
    contour[Tag(_CONTOUR_DATA)] = RawDataElement(Tag(_CONTOUR_DATA), "DS", len(text), text, 0, True, True)
    contour.set_original_encoding(True, True, "iso8859")  # else it is taken apart again when it is written


def read_points(contour: Any) -> FloatArray | None:
    """(N, 3) LPS millimetres as they stand there; None where they are no whole points or no numbers."""
    numbers = _numbers(contour)
    if not numbers or len(numbers) % 3:
        return None
    try:
        return np.array(numbers).astype(np.float64).reshape(-1, 3)
    except (TypeError, ValueError):
        return None


def count_numbers(contour: Any) -> int:
    """How many numbers there are, whatever they are."""
    return len(_numbers(contour))


def _numbers(contour: Any) -> list[Any]:
    from pydicom.dataelem import RawDataElement

    if _CONTOUR_DATA not in contour:
        return []
    element = contour.get_item(_CONTOUR_DATA)
    if isinstance(element, RawDataElement):
        return bytes(element.value or b"").strip(b" \0").split(b"\\") if element.value else []
    value = element.value
    return list(value) if hasattr(value, "__iter__") and not isinstance(value, str) else [value]


def _decimal(value: float) -> str:
    text = f"{value:.6f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text
