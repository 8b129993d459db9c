"""The lines of a work list as a table that stays quick with thousands of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from qtpy.QtCore import QAbstractTableModel, QModelIndex, QObject, QRectF, Qt
from qtpy.QtGui import QColor, QFont, QPainter
from qtpy.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

from napari_medclf.domain.annotation import CaseState
from napari_medclf.domain.dataset import FileRef
from napari_medclf.jobs.worklist.listing import WorkRow

GLYPHS = {
    CaseState.TO_DO: "○",
    CaseState.PREDICTED: "◐",
    CaseState.CORRECTED: "✎",
    CaseState.ACCEPTED: "✓",
    CaseState.FLAGGED: "⚑",
    CaseState.SKIPPED: "–",
    CaseState.LOCKED: "▣",
}
_COLUMNS = ("case", "state", "doubt", "by")
_NUMBER_COLUMN = 2
_SHARE = int(Qt.ItemDataRole.UserRole) + 1
_BAR = QColor(213, 94, 0, 80)
_NO_PARENT = QModelIndex()


class WorkRowsModel(QAbstractTableModel):
    """Rows of a work list, told cell by cell."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.rows: tuple[WorkRow, ...] = ()
        self._is_of_gain = False
        self._largest = 0.0
        self._shown: FileRef | None = None

    def show_rows(self, rows: Sequence[WorkRow], shown: FileRef | None = None) -> None:
        """Replace all rows; where they are ordered by gain, that is told instead of the doubt.

        Parameters
        ----------
        shown : FileRef or None
            The image that is open; its row is bold.
        """
        self.beginResetModel()
        self.rows, self._shown = tuple(rows), shown
        self._is_of_gain = any(row.gain is not None for row in rows)
        self._largest = max((self._number(row) or 0.0 for row in rows), default=0.0)
        self.endResetModel()

    def _number(self, row: WorkRow) -> float | None:
        return row.gain if self._is_of_gain else row.doubt

    def rowCount(self, parent: QModelIndex = _NO_PARENT) -> int:
        """How many cases there are."""
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: QModelIndex = _NO_PARENT) -> int:
        """How many things are told of each."""
        return 0 if parent.isValid() else len(_COLUMNS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Name the columns."""
        is_name = orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole
        if is_name and section == _NUMBER_COLUMN and self._is_of_gain:
            return "gain"
        return _COLUMNS[section] if is_name else None

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Tell a cell's text, its tooltip, or how long its bar is."""
        row = self.rows[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return cells(row, self._number(row))[index.column()]
        if role == Qt.ItemDataRole.ToolTipRole:
            return tooltip(row)
        if role == Qt.ItemDataRole.FontRole and row.image == self._shown:
            bold = QFont()
            bold.setBold(True)
            return bold
        if role == _SHARE and index.column() == _NUMBER_COLUMN and self._largest > 0:
            number = self._number(row)
            return None if number is None else number / self._largest
        return None


class WorkTable(QTableView):
    """The cases; a double click or Return opens one."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.lines = WorkRowsModel(self)
        self.setModel(self.lines)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.setWordWrap(False)
        self.setShowGrid(False)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(24)
        self.setItemDelegateForColumn(_NUMBER_COLUMN, _NumberDelegate(self))
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        for column, width_px in ((1, 88), (2, 64), (3, 72)):
            self.setColumnWidth(column, width_px)

    @property
    def chosen(self) -> tuple[WorkRow, ...]:
        """The rows that are selected, from top to bottom."""
        numbers = sorted(index.row() for index in self.selectionModel().selectedRows())
        return tuple(self.lines.rows[number] for number in numbers)


class _NumberDelegate(QStyledItemDelegate):
    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex) -> None:
        super().paint(painter, option, index)
        share = index.data(_SHARE)
        if share is not None:
            area = QRectF(option.rect).adjusted(2, 4, -2, -4)
            area.setWidth(max(1.0, area.width() * min(max(float(share), 0.0), 1.0)))
            painter.fillRect(area, _BAR)


def cells(row: WorkRow, number: float | None) -> tuple[str, str, str, str]:
    """What the columns say of a case."""
    told = "" if number is None else f"{number:.3f}"
    state = row.state.value.replace("-", " ") + (" ?" if row.is_unsure else "")
    return f"{GLYPHS[row.state]}  {row.case_id}", state, told, row.author


def tooltip(row: WorkRow) -> str:
    """Everything that is known of a case, in lines."""
    lines = [row.case_id, str(row.image)]
    if row.readers:
        lines.append(f"answered by {', '.join(row.readers)}")
    if row.active_s:
        lines.append(f"{row.active_s:.0f} s of human time")
    if row.doubt is not None:
        lines.append(f"the model's doubt: {row.doubt:.3f} of 1")
    if row.gain is not None:
        lines.append(f"expected to settle as much doubt as {row.gain:.1f} wholly unsure cases hold")
    if row.is_unsure:
        lines.append("somebody was not sure")
    return "\n".join([*lines, *([row.comment] if row.comment else [])])
