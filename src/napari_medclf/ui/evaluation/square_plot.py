"""A plot of points between 0 and 1 on both axes; a click chooses the nearest one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from qtpy.QtCore import QPointF, QRectF, QSize, Qt, Signal
from qtpy.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF
from qtpy.QtWidgets import QSizePolicy, QWidget

_LEFT, _TOP, _RIGHT, _BOTTOM = 46, 10, 14, 40
_LINE = QColor("#56B4E9")
_CHOSEN = QColor("#E69F00")
_MOST_SIDE_PX = 240
_STEPS = (0.0, 0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True)
class Drawing:
    """What is drawn.

    Parameters
    ----------
    points : sequence of (x, y)
        From 0 to 1, in order; joined by a line.
    band : sequence of (x, low, high)
        What the line may be, with 95 % confidence; empty for none.
    has_dots : bool
        Whether each point has a dot of its own.
    marks : sequence of (x, y)
        Places of special meaning, drawn as a diamond.
    """

    x_name: str
    y_name: str
    points: Sequence[tuple[float, float]]
    band: Sequence[tuple[float, float, float]] = ()
    has_dots: bool = False
    marks: Sequence[tuple[float, float]] = ()


class SquarePlot(QWidget):
    """Draws one line over the diagonal, in the theme's own colours.

    Signals
    -------
    chosen : int
        Place of the point that a person chose, by mouse or with the arrow keys.
    """

    chosen = Signal(int)

    def __init__(self, nothing: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._nothing = nothing
        self._drawing: Drawing | None = None
        self._place: int | None = None
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setMinimumHeight(220)
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)

    def show_drawing(self, drawing: Drawing | None, nothing: str = "") -> None:
        """Replace what is drawn; None draws the sentence instead."""
        self._drawing, self._place = drawing, None
        self._nothing = nothing or self._nothing
        self.setCursor(Qt.CursorShape.ArrowCursor if drawing is None else Qt.CursorShape.PointingHandCursor)
        self.update()

    @property
    def place(self) -> int | None:
        """The point that is chosen."""
        return self._place

    def choose(self, place: int) -> None:
        """Choose a point."""
        if self._drawing is not None and 0 <= place < len(self._drawing.points):
            self._place = place
            self.update()
            self.chosen.emit(place)

    def point_px(self, place: int) -> QPointF:
        """Where a point is drawn."""
        assert self._drawing is not None
        return self._to_px(*self._drawing.points[place])

    def sizeHint(self) -> QSize:
        """Ask for a square."""
        return QSize(_MOST_SIDE_PX, self.heightForWidth(_MOST_SIDE_PX))

    def heightForWidth(self, width: int) -> int:
        """Keep the axes alike long."""
        return min(width - _LEFT - _RIGHT, _MOST_SIDE_PX) + _TOP + _BOTTOM

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Choose the point next to the mouse."""
        if self._drawing is None:
            return
        at = event.position()
        gaps = [(self._to_px(*point) - at).manhattanLength() for point in self._drawing.points]
        self.choose(gaps.index(min(gaps)))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Go along the line with the arrow keys."""
        step = {Qt.Key.Key_Left: -1, Qt.Key.Key_Down: -1, Qt.Key.Key_Right: 1, Qt.Key.Key_Up: 1}.get(event.key())
        if step is None or self._drawing is None:
            super().keyPressEvent(event)
        else:
            self.choose(0 if self._place is None else self._place + step)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw axes, band, line and the chosen point."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        ink = self.palette().color(self.foregroundRole())
        if self._drawing is None:
            painter.setPen(_faded(ink, 140))
            flags = int(Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap)
            painter.drawText(self.rect().adjusted(20, 0, -20, 0), flags, self._nothing)
            return
        self._draw_axes(painter, ink, self._drawing)
        self._draw_line(painter, ink, self._drawing)

    def _draw_axes(self, painter: QPainter, ink: QColor, drawing: Drawing) -> None:
        area, metrics = self._area(), painter.fontMetrics()
        height = metrics.height()
        for step in _STEPS:
            at = self._to_px(step, step)
            painter.setPen(QPen(_faded(ink, 45), 1))
            painter.drawLine(QPointF(area.left(), at.y()), QPointF(area.right(), at.y()))
            painter.drawLine(QPointF(at.x(), area.top()), QPointF(at.x(), area.bottom()))
            painter.setPen(_faded(ink, 190))
            beside = QRectF(area.left() - 38, at.y() - height / 2, 33, height)
            painter.drawText(beside, int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter), f"{step:g}")
            below = QRectF(at.x() - 20, area.bottom() + 2, 40, height)
            painter.drawText(below, int(Qt.AlignmentFlag.AlignCenter), f"{step:g}")
        painter.setPen(QPen(_faded(ink, 110), 1, Qt.PenStyle.DashLine))
        painter.drawLine(self._to_px(0, 0), self._to_px(1, 1))
        painter.setPen(ink)
        foot = QRectF(area.left(), area.bottom() + height, area.width(), height + 4)
        painter.drawText(foot, int(Qt.AlignmentFlag.AlignCenter), drawing.x_name)
        painter.save()
        painter.translate(area.left() - 36, area.center().y())
        painter.rotate(-90)
        side = QRectF(-area.height() / 2, -height / 2, area.height(), height)
        painter.drawText(side, int(Qt.AlignmentFlag.AlignCenter), drawing.y_name)
        painter.restore()

    def _draw_line(self, painter: QPainter, ink: QColor, drawing: Drawing) -> None:
        if drawing.band:
            outline = [self._to_px(x, low) for x, low, _ in drawing.band]
            outline += [self._to_px(x, high) for x, _, high in reversed(drawing.band)]
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(_faded(_LINE, 60))
            painter.drawPolygon(QPolygonF(outline))
            painter.setBrush(Qt.BrushStyle.NoBrush)
        places = [self._to_px(*point) for point in drawing.points]
        painter.setPen(QPen(_LINE, 2))
        painter.drawPolyline(QPolygonF(places))
        if drawing.has_dots:
            painter.setBrush(_LINE)
            for place in places:
                painter.drawEllipse(place, 3.5, 3.5)
        for mark in drawing.marks:
            painter.setPen(QPen(ink, 1.5))
            painter.setBrush(_LINE)
            at = self._to_px(*mark)
            painter.drawPolygon(QPolygonF([at + QPointF(x, y) for x, y in ((0, -6), (6, 0), (0, 6), (-6, 0))]))
        if self._place is not None:
            painter.setPen(QPen(ink, 1.5))
            painter.setBrush(_CHOSEN)
            painter.drawEllipse(places[self._place], 6, 6)

    def _area(self) -> QRectF:
        side = min(self.width() - _LEFT - _RIGHT, self.height() - _TOP - _BOTTOM)
        left = _LEFT + (self.width() - _LEFT - _RIGHT - side) / 2
        return QRectF(left, _TOP, side, side)

    def _to_px(self, x: float, y: float) -> QPointF:
        area = self._area()
        return QPointF(area.left() + x * area.width(), area.bottom() - y * area.height())


def _faded(colour: QColor, alpha: int) -> QColor:
    faded = QColor(colour)
    faded.setAlpha(alpha)
    return faded
