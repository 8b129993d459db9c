"""The window a header asks for, also where it is written as a curve."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from napari_medclf.io.dicom import tags
from napari_medclf.io.dicom.pixels.lut import Lut, find_lut

# Where a curve leaves the lowest and reaches the highest output, as a share of its range.
_TOE = 0.01
_CURVE = "Its display curve (VOI LUT) is shown as a straight window."
_SIGMOID = "Its display curve (sigmoid) is shown as a straight window."


@dataclass(frozen=True)
class Window:
    """Limits in rescaled samples, and what to know about them (may be empty)."""

    low: float
    high: float
    note: str = ""


def find_window(dataset: Any, *, is_signed: bool = False, is_little_endian: bool = True) -> Window | None:
    """Find the first window of a header; None where there is no usable one.

    Parameters
    ----------
    dataset : pydicom data set, or a frame of one
        WindowCenter, WindowWidth, VOILUTFunction and VOILUTSequence are asked for, PS3.3 C.11.2.
    """
    centre, width = tags.number(dataset, "WindowCenter", math.nan), tags.number(dataset, "WindowWidth", math.nan)
    function = tags.text(dataset, "VOILUTFunction").upper()
    if math.isfinite(centre) and math.isfinite(width):
        if function in ("LINEAR_EXACT", "SIGMOID") and width > 0:
            return Window(centre - width / 2, centre + width / 2, _SIGMOID if function == "SIGMOID" else "")
        if width > 1:
            half = (width - 1) / 2
            return Window(centre - 0.5 - half, centre - 0.5 + half)
    tables = dataset.get("VOILUTSequence")
    if not tables:
        return None
    try:
        return _of_curve(find_lut(tables[0], is_signed=is_signed, is_little_endian=is_little_endian))
    except (ValueError, TypeError):  # a damaged table: the window is found from the samples instead
        return None


def _of_curve(lut: Lut) -> Window | None:
    """Samples between which the curve rises (or falls)."""
    entries = lut.entries.astype(np.float64)
    low, high = float(entries.min()), float(entries.max())
    if high <= low:
        return None
    share = (entries - low) / (high - low)
    rising = share[-1] >= share[0]
    share = share if rising else 1 - share
    first = int(np.flatnonzero(share <= _TOE)[-1])
    above = np.flatnonzero(share >= 1 - _TOE)
    last = int(above[above > first][0]) if (above > first).any() else len(entries) - 1
    note = _CURVE if rising else f"{_CURVE} It shows high samples dark, which is not done here."
    return Window(float(lut.first + first), float(lut.first + max(last, first + 1)), note)
