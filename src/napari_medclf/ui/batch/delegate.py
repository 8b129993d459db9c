"""Draws the rows of a run in the colours of the view."""

from __future__ import annotations

import re
from typing import Any

from qtpy.QtCore import QModelIndex, QRect, QSize, Qt
from qtpy.QtGui import QColor, QFont, QPainter, QPalette, QTextLayout
from qtpy.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from napari_medclf.domain.run import CaseStatus
from napari_medclf.ui.batch.rows import GLYPHS, RowState, RunRow, answer_lines
from napari_medclf.ui.dataset.findings import draw_picture

ROW_PX, PICTURE_PX = 64, 56
_GAP_PX = 8
_FAINT = 165
_DIGITS = re.compile(r"(?<=.)-[0-9a-f]{6}$")
_BAR_PX = 6
_ALARM = QColor("#D55E00")
"""Vermilion of Okabe & Ito (2008)."""
_LEFT = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
_RIGHT = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)


class RowDelegate(QStyledItemDelegate):
    """A picture with two lines, an answer of two lines, and a number with its bar.

    Parameters
    ----------
    row_role : int
        Under which a cell gives its `RunRow`.
    """

    def __init__(self, row_role: int, parent: QWidget) -> None:
        super().__init__(parent)
        self._row_role = row_role

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex) -> QSize:
        """Make all rows alike high."""
        return QSize(60, ROW_PX)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex) -> None:
        """Draw a cell."""
        row: RunRow = index.data(self._row_role)
        is_selected = bool(option.state & QStyle.StateFlag.State_Selected)
        painter.save()
        if is_selected:
            painter.fillRect(option.rect, option.palette.color(QPalette.ColorRole.Highlight))
        role = QPalette.ColorRole.HighlightedText if is_selected else QPalette.ColorRole.Text
        ink = option.palette.color(QPalette.ColorGroup.Active, role)
        painter.setPen(ink)
        area = option.rect.adjusted(4, 4, -6, -4)
        if index.column() == 0:
            font = index.data(Qt.ItemDataRole.FontRole) or painter.font()
            _draw_case(painter, area, row, ink, index.data(Qt.ItemDataRole.DecorationRole), is_bold=font.bold())
        elif index.column() == 1:
            _draw_lines(painter, area, answer_lines(row.record))
        elif row.triage is not None:
            _draw_doubt(painter, area, row.triage.score, ink)
        painter.restore()


def _draw_case(painter: QPainter, area: QRect, row: RunRow, ink: QColor, picture: Any, *, is_bold: bool) -> None:
    box = QRect(area.left(), area.top(), PICTURE_PX, PICTURE_PX)
    draw_picture(painter, box, picture, ink)
    if row.record.status is not CaseStatus.DONE:
        _draw_sign(painter, box, row, ink)
    text = area.adjusted(PICTURE_PX + _GAP_PX, 0, 0, 0)
    line = painter.fontMetrics().height()
    top = text.top() + max((text.height() - 3 * line) // 2, 0)
    font = QFont(painter.font())
    font.setBold(is_bold)
    painter.save()
    painter.setFont(font)
    name = painter.fontMetrics().elidedText(short_name(row.record.case_id), Qt.TextElideMode.ElideLeft, text.width())
    painter.drawText(QRect(text.left(), top, text.width(), line), _LEFT, name)
    painter.restore()
    _draw_told(painter, QRect(text.left(), top + line, text.width(), 2 * line), row, ink)


def short_name(case_id: str) -> str:
    """A case's id without the digits that only tell it from others of its name; the tooltip has all of it.

    >>> short_name("trial-7_brain_011-6646e3"), short_name("disc-2")
    ('trial-7_brain_011', 'disc-2')
    """
    return _DIGITS.sub("", case_id)


def _draw_sign(painter: QPainter, box: QRect, row: RunRow, ink: QColor) -> None:
    """Say in the place of the picture why there is none."""
    painter.save()
    font = QFont(painter.font())
    font.setPixelSize(box.height() // 2)
    painter.setFont(font)
    painter.setPen(_ALARM if row.is_trouble else faded(ink))
    painter.drawText(box, int(Qt.AlignmentFlag.AlignCenter), GLYPHS[row.state])
    painter.restore()


def _draw_told(painter: QPainter, area: QRect, row: RunRow, ink: QColor) -> None:
    """Write in two lines where a case stands, if that is worth a word, and why it is where it is in the list."""
    state = "" if row.state is RowState.TO_LOOK else f"{GLYPHS[row.state]} {row.state.value}"
    told = " · ".join(part for part in (state, row.sentence) if part)
    painter.setPen(ink if row.is_trouble else faded(ink))
    wrapped = QTextLayout(told, painter.font())
    wrapped.beginLayout()
    first = wrapped.createLine()
    first.setLineWidth(area.width())
    wrapped.endLayout()
    n_first = first.textLength()
    line = area.height() // 2
    painter.drawText(QRect(area.left(), area.top(), area.width(), line), _LEFT, told[:n_first])
    rest = painter.fontMetrics().elidedText(told[n_first:].strip(), Qt.TextElideMode.ElideRight, area.width())
    painter.drawText(QRect(area.left(), area.top() + line, area.width(), line), _LEFT, rest)


def _draw_lines(painter: QPainter, area: QRect, lines: tuple[str, ...]) -> None:
    metrics = painter.fontMetrics()
    line = metrics.height()
    top = area.top() + max((area.height() - len(lines) * line) // 2, 0)
    for number, text in enumerate(lines):
        short = metrics.elidedText(text, Qt.TextElideMode.ElideRight, area.width())
        painter.drawText(QRect(area.left(), top + number * line, area.width(), line), _LEFT, short)


def _draw_doubt(painter: QPainter, area: QRect, score: float, ink: QColor) -> None:
    metrics = painter.fontMetrics()
    middle = area.center().y()
    painter.drawText(
        QRect(area.left(), middle - metrics.height(), area.width(), metrics.height()), _RIGHT, f"{score:.2f}"
    )
    track = QRect(area.left(), middle + 4, area.width(), _BAR_PX)
    painter.fillRect(track, faded(ink, 40))
    filled = QRect(track)
    filled.setWidth(max(round(track.width() * min(max(score, 0.0), 1.0)), 1))
    painter.fillRect(filled, _ALARM)


def faded(colour: QColor, alpha: int = _FAINT) -> QColor:
    """Make a colour fainter."""
    made = QColor(colour)
    made.setAlpha(alpha)
    return made
