"""Draw a chart as SVG that takes its colours from the page."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from html import escape

from napari_medclf.jobs.report.html import Html

Point = tuple[float, float]
N_COLOURS = 8
_LARGEST_SCALE = 1.15
"""Letters of a chart are never larger than those of the page."""


@dataclass
class Plot:
    """A rectangle with two axes, to which marks are added.

    Parameters
    ----------
    x_range, y_range : (low, high)
        In the numbers' own units.
    width, height : int
        Of the drawing without its margins, in units of the SVG.
    left : int
        Margin for what stands on the y axis.
    """

    x_label: str
    y_label: str = ""
    x_range: tuple[float, float] = (0.0, 1.0)
    y_range: tuple[float, float] = (0.0, 1.0)
    width: int = 320
    height: int = 320
    left: int = 52
    right: int = 12
    top: int = 8
    bottom: int = 44
    _marks: list[str] = field(default_factory=list)

    def axes(self, x_ticks: Sequence[float], y_ticks: Sequence[float], digits: int = 1) -> None:
        """Draw the frame, a grid, numbers and labels."""
        for value in x_ticks:
            self.mark_x(value, f"{value:.{digits}f}")
        for value in y_ticks:
            self.mark_y(value, f"{value:.{digits}f}")
        self._marks.append(
            f'<rect class="frame" x="{self.left}" y="{self.top}" width="{self.width}" height="{self.height}"/>'
        )
        self.text((self.left + self.width / 2, self.top + self.height + 36), self.x_label, "middle")
        if self.y_label:
            middle = self.top + self.height / 2
            self._marks.append(
                f'<text x="14" y="{middle:.0f}" text-anchor="middle" transform="rotate(-90 14 {middle:.0f})">'
                f"{escape(self.y_label)}</text>"
            )

    def mark_x(self, value: float, text: str) -> None:
        """Draw a line of the grid with its text below."""
        x = self._x(value)
        self._line((x, self.top), (x, self.top + self.height), "grid")
        self.text((x, self.top + self.height + 16), text, "middle", "soft")

    def mark_y(self, value: float, text: str) -> None:
        """Draw a line of the grid with its text beside."""
        y = self._y(value)
        self._line((self.left, y), (self.left + self.width, y), "grid")
        self.text((self.left - 6, y + 4), text, "end", "soft")

    def line(self, points: Iterable[Point], colour: int = 0, kind: str = "") -> None:
        """Connect points, in a colour of the series or in a kind of the style (``chance``)."""
        path = " ".join(f"{self._x(x):.1f},{self._y(y):.1f}" for x, y in points if _is_drawable(x, y))
        look = f'class="{kind}"' if kind else f'stroke="{_colour(colour)}" stroke-width="2"'
        self._marks.append(f'<polyline points="{path}" fill="none" {look}/>')

    def band(self, lower: Sequence[Point], upper: Sequence[Point], colour: int = 0) -> None:
        """Fill between two lines."""
        around = [point for point in (*lower, *reversed(upper)) if _is_drawable(*point)]
        path = " ".join(f"{self._x(x):.1f},{self._y(y):.1f}" for x, y in around)
        self._marks.append(f'<polygon points="{path}" fill="{_colour(colour)}" fill-opacity="0.16" stroke="none"/>')

    def dot(self, at: Point, colour: int = 0, radius: float = 3.5, title: str = "") -> None:
        """Mark a point; its title is told where the pointer rests."""
        told = f"<title>{escape(title)}</title>" if title else ""
        self._marks.append(
            f'<circle cx="{self._x(at[0]):.1f}" cy="{self._y(at[1]):.1f}" r="{radius:g}" '
            f'fill="{_colour(colour)}">{told}</circle>'
        )

    def whisker(self, start: Point, end: Point, colour: int = 0) -> None:
        """Draw an interval."""
        (x1, y1), (x2, y2) = ((self._x(x), self._y(y)) for x, y in (start, end))
        self._marks.append(
            f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{_colour(colour)}" '
            'stroke-width="1.5"/>'
        )

    def cell(self, at: tuple[int, int], size: float, share: float, title: str) -> None:
        """Fill a square of a matrix, the darker the larger the share in [0, 1]."""
        x, y = self.left + at[1] * size, self.top + at[0] * size
        self._marks.append(
            f'<rect class="cell" x="{x:.1f}" y="{y:.1f}" width="{size - 1.5:.1f}" height="{size - 1.5:.1f}" '
            f'fill-opacity="{0.06 + 0.9 * share:.3f}"><title>{escape(title)}</title></rect>'
        )

    def text(self, at: Point, text: str, anchor: str = "start", kind: str = "") -> None:
        """Write at a place in units of the drawing."""
        look = f' class="{kind}"' if kind else ""
        self._marks.append(f'<text x="{at[0]:.1f}" y="{at[1]:.1f}" text-anchor="{anchor}"{look}>{escape(text)}</text>')

    def tilted(self, at: Point, text: str) -> None:
        """Write upwards to a place in units of the drawing, where there is no room to write along."""
        x, y = at
        self._marks.append(
            f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="end" transform="rotate(-40 {x:.1f} {y:.1f})">'
            f"{escape(text)}</text>"
        )

    def write_at(self, at: Point, text: str, anchor: str = "start", kind: str = "") -> None:
        """Write at a place in the numbers' units."""
        self.text((self._x(at[0]), self._y(at[1]) + 4), text, anchor, kind)

    def svg(self, label: str) -> Html:
        """Return the drawing; `label` is what a screen reader says."""
        width = self.left + self.width + self.right
        whole = f"0 0 {width} {self.top + self.height + self.bottom}"
        return Html(
            f'<svg viewBox="{whole}" style="max-width:{width * _LARGEST_SCALE:.0f}px" role="img" '
            f'aria-label="{escape(label)}" xmlns="http://www.w3.org/2000/svg">' + "".join(self._marks) + "</svg>"
        )

    def _x(self, value: float) -> float:
        low, high = self.x_range
        return self.left + (value - low) / (high - low) * self.width

    def _y(self, value: float) -> float:
        low, high = self.y_range
        return self.top + (1 - (value - low) / (high - low)) * self.height

    def _line(self, start: Point, end: Point, kind: str) -> None:
        self._marks.append(
            f'<line class="{kind}" x1="{start[0]:.1f}" y1="{start[1]:.1f}" x2="{end[0]:.1f}" y2="{end[1]:.1f}"/>'
        )


def ticks(low: float, high: float, n_most: int = 6) -> list[float]:
    """Choose round numbers within a range.

    >>> ticks(0.0, 1.0)
    [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    """
    rough = (high - low) / max(n_most - 1, 1)
    power = 10.0 ** math.floor(math.log10(rough)) if rough > 0 else 1.0
    step = next((factor * power for factor in (1, 2, 5, 10) if factor * power >= rough - 1e-12), 10 * power)
    first = math.ceil(low / step - 1e-9)
    return [round(number * step, 10) for number in range(first, math.floor(high / step + 1e-9) + 1)]


def _colour(number: int) -> str:
    return f"var(--s{number % N_COLOURS})"


def _is_drawable(x: float | None, y: float | None) -> bool:
    return x is not None and y is not None and math.isfinite(x) and math.isfinite(y)
