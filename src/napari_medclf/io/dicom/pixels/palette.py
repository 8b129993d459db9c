"""Palettes: one sample a pixel that stands for a colour."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_medclf.io.dicom.pixels.lut import Lut, make_lut

_COLOURS = ("Red", "Green", "Blue")
_DISCRETE, _LINEAR, _INDIRECT = 0, 1, 2
_MOST_ENTRIES = 2**16


@dataclass(frozen=True, eq=False)
class Palette:
    """Tables of red, green and blue."""

    tables: tuple[Lut, ...]

    def apply(self, samples: NDArray[Any]) -> NDArray[Any]:
        """Look up colours, PS3.3 C.7.6.3.1.5: ``(J, I)`` become ``(J, I, 3)`` of eight bits."""
        return np.stack([table.apply(samples) for table in self.tables], axis=-1)


def find_palette(dataset: Any, *, is_signed: bool, is_little_endian: bool) -> Palette:
    """Read the palette of a header, plain or segmented; sixteen-bit tables are brought to eight bits.

    Raises
    ------
    ValueError
        If it is missing or damaged.
    """
    tables = [_table(dataset, colour, is_signed, is_little_endian) for colour in _COLOURS]
    # Some writers put eight-bit colours into sixteen-bit tables, which would show black.
    is_deep = any(int(table.entries.max(initial=0)) > 255 for table in tables)
    return Palette(tuple(Lut(one.first, (one.entries >> (8 * is_deep)).astype(np.uint8), 8) for one in tables))


def _table(dataset: Any, colour: str, is_signed: bool, is_little_endian: bool) -> Lut:
    descriptor = dataset.get(f"{colour}PaletteColorLookupTableDescriptor")
    segments = dataset.get(f"Segmented{colour}PaletteColorLookupTableData")
    data = dataset.get(f"{colour}PaletteColorLookupTableData")
    if not data and segments:
        order = "<" if is_little_endian else ">"
        is_wide = descriptor is not None and int(descriptor[2]) > 8
        words = np.frombuffer(segments, f"{order}u2" if is_wide else np.uint8).astype(int).tolist()
        data, is_little_endian = np.array(expand(words), "<u2" if is_wide else np.uint8).tobytes(), True
    return make_lut(descriptor, data, is_signed, is_little_endian)


def expand(words: list[int]) -> list[int]:
    """Expand a segmented table, PS3.3 C.7.9.2.

    >>> expand([0, 2, 10, 20, 1, 4, 60])
    [10, 20, 30, 40, 50, 60]

    Raises
    ------
    ValueError
        If a segment ends early, points at itself or is of an unknown kind, or entries exceed 65536.
    """
    entries: list[int] = []
    at = 0
    while at + 2 < len(words):
        at = _expand_indirect(words, at, entries) if words[at] == _INDIRECT else _expand_segment(words, at, entries)
    return entries


def _expand_segment(words: list[int], at: int, entries: list[int]) -> int:
    """Append the entries of the segment at `at`; return where the next one begins."""
    kind, length = words[at], words[at + 1]
    if len(entries) + length > _MOST_ENTRIES:
        raise ValueError(f"more than {_MOST_ENTRIES} entries")
    if kind == _DISCRETE and at + 2 + length <= len(words):
        entries.extend(words[at + 2 : at + 2 + length])
        return at + 2 + length
    if kind == _LINEAR and entries:
        start, stop = entries[-1], words[at + 2]
        entries.extend(round(start + (stop - start) * n / length) for n in range(1, length + 1))
        return at + 3
    raise ValueError(f"a segment of kind {kind} that cannot be expanded")


def _expand_indirect(words: list[int], at: int, entries: list[int]) -> int:
    """Append the segments that this one points back to; they may not point on."""
    if at + 3 >= len(words):
        raise ValueError("a segment that ends early")
    back = words[at + 2] + 65536 * words[at + 3]
    for _ in range(words[at + 1]):
        if back + 2 >= at:
            raise ValueError("a segment that does not point back")
        back = _expand_segment(words, back, entries)
    return at + 4
