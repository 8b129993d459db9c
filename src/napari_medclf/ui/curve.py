"""The training curve: loss and metric by epoch, drawn in the theme's own colours."""

from __future__ import annotations

import math
from collections.abc import Mapping

from qtpy.QtCore import QPointF, QRectF, QSize, Qt
from qtpy.QtGui import QColor, QPainter, QPaintEvent, QPen, QPolygonF
from qtpy.QtWidgets import QSizePolicy, QWidget

# Okabe & Ito 2008, readable on dark and on light ground.
_COLOURS = ("#E69F00", "#56B4E9", "#009E73", "#CC79A7", "#D55E00", "#0072B2")
_MARGIN_LEFT, _MARGIN_TOP, _MARGIN_BOTTOM, _MARGIN_RIGHT = 42, 8, 20, 10


class Curve(QWidget):
    """A line chart of named numbers by epoch.

    `add` appends one epoch; a series is drawn from its first to its last value. The axis ends at
    round numbers around what was seen. The epoch of the best model carries a mark.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._series: dict[str, list[tuple[int, float]]] = {}
        self._best_epoch: int | None = None
        self.setMinimumHeight(150)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def clear(self) -> None:
        """Forget everything, before a new training."""
        self._series.clear()
        self._best_epoch = None
        self.update()

    def add(self, epoch: int, values: Mapping[str, float], *, is_best: bool = False) -> None:
        """Append the numbers of one epoch; what is not finite is left out."""
        for name, value in values.items():
            if math.isfinite(value):
                self._series.setdefault(name, []).append((epoch, float(value)))
        if is_best:
            self._best_epoch = epoch
        self.update()

    @property
    def series(self) -> dict[str, list[tuple[int, float]]]:
        """The (epoch, value) pairs by name."""
        return {name: list(points) for name, points in self._series.items()}

    @property
    def last_epoch(self) -> int:
        """The epoch that was drawn last; 0 for none."""
        return max((points[-1][0] for points in self._series.values()), default=0)

    def sizeHint(self) -> QSize:
        """Ask for a wide, low strip."""
        return QSize(360, 190)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw axes, lines and the legend."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        ink = self.palette().color(self.foregroundRole())
        legend_height = self._draw_legend(painter, ink)
        area = QRectF(
            _MARGIN_LEFT,
            _MARGIN_TOP + legend_height,
            self.width() - _MARGIN_LEFT - _MARGIN_RIGHT,
            self.height() - _MARGIN_TOP - legend_height - _MARGIN_BOTTOM,
        )
        if not self._series:
            painter.setPen(_faded(ink, 140))
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, "The curve appears with the first epoch.")
            return
        epochs = [epoch for points in self._series.values() for epoch, _ in points]
        first, last = min(epochs), max(max(epochs), min(epochs) + 1)
        top = nice_top(max(value for points in self._series.values() for _, value in points))
        bottom = min(0.0, min(value for points in self._series.values() for _, value in points))
        scale = _Scale(area, first, last, bottom, top)
        self._draw_axes(painter, ink, scale)
        self._draw_lines(painter, ink, scale)

    def _draw_legend(self, painter: QPainter, ink: QColor) -> float:
        metrics = painter.fontMetrics()
        x, y = float(_MARGIN_LEFT), float(_MARGIN_TOP)
        for name, colour in zip(self._series, _cycle(len(self._series)), strict=True):
            text = f"{name} {self._series[name][-1][1]:.3f}"
            width = metrics.horizontalAdvance(text) + 22
            if x + width > self.width() and x > _MARGIN_LEFT:
                x, y = float(_MARGIN_LEFT), y + metrics.height()
            painter.fillRect(QRectF(x, y + metrics.height() / 2 - 1.5, 10, 3), QColor(colour))
            painter.setPen(ink)
            painter.drawText(QPointF(x + 14, y + metrics.ascent()), text)
            x += width
        return y - _MARGIN_TOP + metrics.height() + 4 if self._series else 0.0

    def _draw_axes(self, painter: QPainter, ink: QColor, scale: _Scale) -> None:
        metrics = painter.fontMetrics()
        for step in range(5):
            value = scale.bottom + (scale.top - scale.bottom) * step / 4
            y = scale.y(value)
            painter.setPen(QPen(_faded(ink, 50), 1))
            painter.drawLine(QPointF(scale.area.left(), y), QPointF(scale.area.right(), y))
            painter.setPen(_faded(ink, 190))
            painter.drawText(
                QRectF(0, y - metrics.height() / 2, _MARGIN_LEFT - 6, metrics.height()),
                Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter,
                f"{value:.3g}",
            )
        foot = QRectF(scale.area.left(), scale.area.bottom() + 2, scale.area.width(), metrics.height())
        painter.drawText(foot, Qt.AlignmentFlag.AlignLeft, str(scale.first))
        painter.drawText(foot, Qt.AlignmentFlag.AlignHCenter, "epoch")
        painter.drawText(foot, Qt.AlignmentFlag.AlignRight, str(scale.last))

    def _draw_lines(self, painter: QPainter, ink: QColor, scale: _Scale) -> None:
        if self._best_epoch is not None:
            x = scale.x(self._best_epoch)
            painter.setPen(QPen(_faded(ink, 150), 1, Qt.PenStyle.DashLine))
            painter.drawLine(QPointF(x, scale.area.top()), QPointF(x, scale.area.bottom()))
            painter.drawText(QPointF(min(x + 3, scale.area.right() - 26), scale.area.bottom() - 3), "best")
        for (_, points), colour in zip(self._series.items(), _cycle(len(self._series)), strict=True):
            places = [QPointF(scale.x(epoch), scale.y(value)) for epoch, value in points]
            painter.setPen(QPen(QColor(colour), 2))
            painter.drawPolyline(QPolygonF(places))
            painter.setBrush(QColor(colour))
            painter.drawEllipse(places[-1], 2.5, 2.5)
            painter.setBrush(Qt.BrushStyle.NoBrush)


class _Scale:
    """Maps epochs and values to the pixels of the drawing area."""

    def __init__(self, area: QRectF, first: int, last: int, bottom: float, top: float) -> None:
        self.area, self.first, self.last, self.bottom, self.top = area, first, last, bottom, top

    def x(self, epoch: int) -> float:
        return float(self.area.left() + self.area.width() * (epoch - self.first) / (self.last - self.first))

    def y(self, value: float) -> float:
        return float(self.area.bottom() - self.area.height() * (value - self.bottom) / (self.top - self.bottom))


def nice_top(highest: float) -> float:
    """Round up to 1, 2, 2.5 or 5 times a power of ten.

    >>> nice_top(0.83), nice_top(1.7), nice_top(0.0)
    (1.0, 2.0, 1.0)
    """
    if highest <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(highest))
    return next(step * power for step in (1, 2, 2.5, 5, 10) if step * power >= highest * 0.999)


def _cycle(n: int) -> list[str]:
    return [_COLOURS[index % len(_COLOURS)] for index in range(n)]


def _faded(colour: QColor, alpha: int) -> QColor:
    faded = QColor(colour)
    faded.setAlpha(alpha)
    return faded
