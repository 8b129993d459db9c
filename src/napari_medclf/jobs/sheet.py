"""Lay panels, legend and notes out on one sheet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from PIL.Image import Image

Colour = tuple[int, int, int]
RgbArray = NDArray[np.uint8]

BACKGROUND: Colour = (24, 26, 30)
INK: Colour = (236, 238, 242)
FAINT: Colour = (150, 156, 166)
BAR: Colour = (86, 180, 233)

_MARGIN_PX = 24
_TITLE_PX = 76
_ENTRY_PX = 34
_NOTE_PX = 24
_SWATCH_PX = 20
_BAR_PX = 240
_NARROWEST_PX = 760


@dataclass(frozen=True)
class Entry:
    """A line of the legend: a swatch of a colour, or a bar of a share in [0, 1], and its text."""

    text: str
    colour: Colour | None = None
    share: float | None = None


@dataclass(frozen=True)
class Sheet:
    """What stands on one picture.

    Parameters
    ----------
    rows : sequence of rows of (height, width, 3) uint8
        The panels, from the top.
    """

    title: str
    rows: Sequence[Sequence[RgbArray]]
    entries: Sequence[Entry] = ()
    notes: Sequence[str] = ()

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        widest = max(sum(panel.shape[1] + _MARGIN_PX for panel in row) for row in self.rows) + _MARGIN_PX
        height = sum(_row_height(row) for row in self.rows)
        text = _ENTRY_PX * len(self.entries) + _NOTE_PX * len(self.notes)
        return max(widest, _NARROWEST_PX), _TITLE_PX + height + text + _MARGIN_PX

    def draw(self) -> Image:
        """Draw it."""
        from PIL import Image, ImageDraw, ImageFont

        canvas = Image.new("RGB", self.size, BACKGROUND)
        pen = ImageDraw.Draw(canvas)
        large, middle, small = (ImageFont.load_default(size) for size in (26, 20, 15))
        pen.text((_MARGIN_PX, 22), self.title, fill=INK, font=large)
        y = _TITLE_PX
        for row in self.rows:
            x = _MARGIN_PX
            for panel in row:
                canvas.paste(Image.fromarray(panel), (x, y))
                x += panel.shape[1] + _MARGIN_PX
            y += _row_height(row)
        for entry in self.entries:
            _draw_entry(pen, entry, y, middle)
            y += _ENTRY_PX
        for note in self.notes:
            pen.text((_MARGIN_PX, y), note, fill=FAINT, font=small)
            y += _NOTE_PX
        return canvas


def _row_height(row: Sequence[RgbArray]) -> int:
    return max(int(panel.shape[0]) for panel in row) + _MARGIN_PX


def _draw_entry(pen: Any, entry: Entry, y: int, font: Any) -> None:
    x = _MARGIN_PX
    if entry.colour is not None:
        pen.rectangle((x, y + 2, x + _SWATCH_PX, y + 2 + _SWATCH_PX), fill=entry.colour, outline=INK)
        x += _SWATCH_PX + 12
    if entry.share is not None:
        pen.rectangle((x, y + 4, x + _BAR_PX, y + 20), outline=FAINT)
        pen.rectangle((x, y + 4, x + round(_BAR_PX * entry.share), y + 20), fill=BAR)
        x += _BAR_PX + 16
    pen.text((x, y), entry.text, fill=INK, font=font)
