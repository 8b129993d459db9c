"""Small drawings: the scores of revisions over time, and what the corrections cost and brought."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from qtpy.QtCore import QPointF, QRectF, QSize, Qt
from qtpy.QtGui import QColor, QPainter, QPaintEvent, QPen, QPolygonF
from qtpy.QtWidgets import QSizePolicy, QWidget

_LINE, _CHOSEN, _BAD = QColor("#56B4E9"), QColor("#E69F00"), QColor("#D55E00")
_LEFT, _TOP, _RIGHT, _BOTTOM = 50, 22, 14, 20


@dataclass(frozen=True)
class Dot:
    """One point of a drawing.

    Parameters
    ----------
    spread : (low, high) or None
        What the value may be, with 95 % confidence.
    is_chosen, is_bad : bool
        Whether it is the one in use; whether it is worse than the one before.
    """

    name: str
    value: float
    spread: tuple[float, float] | None = None
    is_chosen: bool = False
    is_bad: bool = False


class DotPlot(QWidget):
    """Dots from left to right, joined by a line, with their intervals; the last value is written out.

    Parameters
    ----------
    title : str
        What is measured, with its unit.
    nothing : str
        Sentence for when there is nothing to draw.
    """

    def __init__(self, title: str, nothing: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._title, self._nothing = title, nothing
        self.dots: tuple[Dot, ...] = ()
        self.setMinimumHeight(110)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_dots(self, dots: Sequence[Dot], title: str = "") -> None:
        """Replace what is drawn."""
        self.dots, self._title = tuple(dots), title or self._title
        said = ", ".join(f"{one.name} {one.value:.3g}" for one in self.dots[-3:])
        self.setAccessibleName(f"{self._title}: {said or self._nothing}")
        self.setToolTip("\n".join(f"{one.name}: {one.value:.4g}" for one in self.dots))
        self.update()

    def sizeHint(self) -> QSize:
        """Ask for a low strip."""
        return QSize(320, 120)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the title, then the dots or the sentence."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        ink = self.palette().color(self.foregroundRole())
        painter.setPen(ink)
        last = f"  {self.dots[-1].value:.3g}" if self.dots else ""
        painter.drawText(QPointF(4, painter.fontMetrics().ascent() + 2), f"{self._title}{last}")
        if not self.dots:
            painter.setPen(_faded(ink))
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, self._nothing)
            return
        area = QRectF(_LEFT, _TOP, self.width() - _LEFT - _RIGHT, self.height() - _TOP - _BOTTOM)
        low, high = _ends(self.dots)
        self._draw_axis(painter, ink, area, low, high)
        self._draw_dots(painter, area, low, high)

    def _draw_axis(self, painter: QPainter, ink: QColor, area: QRectF, low: float, high: float) -> None:
        height = painter.fontMetrics().height()
        for value, y in ((high, area.top()), (low, area.bottom())):
            painter.setPen(QPen(_faded(ink), 1, Qt.PenStyle.DotLine))
            painter.drawLine(QPointF(area.left(), y), QPointF(area.right(), y))
            place = QRectF(0, y - height / 2, _LEFT - 6, height)
            painter.drawText(place, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, f"{value:.3g}")
        foot = QRectF(area.left(), area.bottom() + 2, area.width(), height)
        painter.drawText(foot, Qt.AlignmentFlag.AlignLeft, self.dots[0].name)
        if len(self.dots) > 1:
            painter.drawText(foot, Qt.AlignmentFlag.AlignRight, self.dots[-1].name)

    def _draw_dots(self, painter: QPainter, area: QRectF, low: float, high: float) -> None:
        step = area.width() / max(len(self.dots) - 1, 1)

        def y_of(value: float) -> float:
            return float(area.bottom() - area.height() * (value - low) / (high - low))

        places = [QPointF(area.left() + n * step, y_of(one.value)) for n, one in enumerate(self.dots)]
        painter.setPen(QPen(_LINE, 1.5))
        painter.drawPolyline(QPolygonF(places))
        for one, place in zip(self.dots, places, strict=True):
            colour = _CHOSEN if one.is_chosen else _BAD if one.is_bad else _LINE
            painter.setPen(QPen(colour, 1.5))
            if one.spread is not None:
                painter.drawLine(QPointF(place.x(), y_of(one.spread[0])), QPointF(place.x(), y_of(one.spread[1])))
            painter.setBrush(colour)
            painter.drawEllipse(place, 4.0 if one.is_chosen else 3.0, 4.0 if one.is_chosen else 3.0)
            painter.setBrush(Qt.BrushStyle.NoBrush)


def _ends(dots: Sequence[Dot]) -> tuple[float, float]:
    """Lowest and highest that is drawn, never the same."""
    values = [value for one in dots for value in (one.value, *(one.spread or ()))]
    low, high = min(values), max(values)
    room = (high - low) * 0.1 or max(abs(high), 1.0) * 0.1
    return low - room, high + room


def _faded(colour: QColor) -> QColor:
    return QColor(colour.red(), colour.green(), colour.blue(), 140)
