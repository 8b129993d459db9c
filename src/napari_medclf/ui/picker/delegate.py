"""How a row of the series list is drawn: a picture, two lines, and a sign for warnings."""

from __future__ import annotations

from qtpy.QtCore import QModelIndex, QRect, QSize, Qt
from qtpy.QtGui import QColor, QFont, QPainter, QPalette, QPixmap
from qtpy.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from napari_medclf.ui.picker.model import ROW_ROLE
from napari_medclf.ui.picker.rows import Row

ROW_PX = 44
_PICTURE_PX = 38
_INDENT_PX = 18
_FAINT = 150
"""Opacity of second lines, of 255."""


class PickerDelegate(QStyledItemDelegate):
    """Draws rows in the colours of the view, so that every theme fits."""

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex) -> QSize:
        """Make all rows alike high, so that long lists are laid out at once."""
        return QSize(120, ROW_PX)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex) -> None:
        """Draw one row."""
        row: Row = index.data(ROW_ROLE)
        self.initStyleOption(option, index)
        is_selected = bool(option.state & QStyle.StateFlag.State_Selected)
        picture = index.data(Qt.ItemDataRole.DecorationRole)
        painter.save()
        self._fill(painter, option, is_selected)
        role = QPalette.ColorRole.HighlightedText if is_selected else QPalette.ColorRole.Text
        colour = option.palette.color(QPalette.ColorGroup.Active, role)  # headings are disabled, and yet no fainter
        area = option.rect.adjusted(4 + _INDENT_PX * row.depth, 2, -6, -2)
        if row.is_heading:
            _draw_heading(painter, area, row, colour, option.font)
        else:
            box = QRect(area.left(), area.top() + 1, _PICTURE_PX, _PICTURE_PX)
            _draw_picture(painter, box, picture, row, colour)
            text = area.adjusted(_PICTURE_PX + 8, 0, 0, 0)
            _draw_lines(painter, text, str(index.data()), row, colour)
        painter.restore()

    @staticmethod
    def _fill(painter: QPainter, option: QStyleOptionViewItem, is_selected: bool) -> None:
        if is_selected:
            painter.fillRect(option.rect, option.palette.color(QPalette.ColorRole.Highlight))


def _draw_heading(painter: QPainter, area: QRect, row: Row, colour: QColor, font: QFont) -> None:
    bold = QFont(font)
    bold.setBold(True)
    painter.setFont(bold)
    painter.setPen(colour)
    title = painter.fontMetrics().elidedText(row.title, Qt.TextElideMode.ElideRight, area.width())
    painter.drawText(area, int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignBottom), title)


def _draw_picture(painter: QPainter, box: QRect, picture: QPixmap | None, row: Row, colour: QColor) -> None:
    faint = QColor(colour)
    faint.setAlpha(40)
    if picture is None or picture.isNull():
        painter.fillRect(box, faint)
        painter.setPen(_faded(colour))
        kind = row.entry.kind if row.entry is not None else ""
        kind = kind[:2] if kind.startswith("RT") else kind[:4]
        painter.drawText(box, int(Qt.AlignmentFlag.AlignCenter), kind)
        return
    mode = Qt.TransformationMode.SmoothTransformation
    scaled = picture.scaled(box.size(), Qt.AspectRatioMode.KeepAspectRatio, mode)
    painter.fillRect(box, QColor("black"))
    corner = box.center() - scaled.rect().center()
    painter.drawPixmap(corner, scaled)


def _draw_lines(painter: QPainter, area: QRect, title: str, row: Row, colour: QColor) -> None:
    half = area.height() // 2
    upper = QRect(area.left(), area.top(), area.width(), half)
    lower = QRect(area.left(), area.top() + half, area.width(), half)
    if row.entry is not None and row.entry.warnings and not row.is_refused:
        painter.setPen(QColor("#E69F00"))
        painter.drawText(upper, int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter), "⚠")
        upper = upper.adjusted(0, 0, -18, 0)
    painter.setPen(_faded(colour) if row.is_refused else colour)
    left = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
    metrics = painter.fontMetrics()
    painter.drawText(upper, left, metrics.elidedText(title, Qt.TextElideMode.ElideMiddle, upper.width()))
    painter.setPen(_faded(colour))
    painter.drawText(lower, left, metrics.elidedText(row.subtitle, Qt.TextElideMode.ElideRight, lower.width()))


def _faded(colour: QColor) -> QColor:
    faded = QColor(colour)
    faded.setAlpha(_FAINT)
    return faded
