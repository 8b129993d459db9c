"""The table of cases: filter, pick by split and class, sort, and open with a double click or Return."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from qtpy.QtCore import QAbstractTableModel, QModelIndex, QObject, Qt, Signal
from qtpy.QtGui import QFont
from qtpy.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QHBoxLayout,
    QHeaderView,
    QLineEdit,
    QSizePolicy,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from napari_medclf.ui.cases.lines import CaseLine, CaseList, in_order
from napari_medclf.ui.tables import number_text

_ROW_PX = 24
_MOST_CHOICES = 40
_MOST_MEASURED_ROWS = 20
"""Rows whose width decides that of a column; more would take long."""
_SHOWS_FILTER_FROM = 8


class CaseModel(QAbstractTableModel):
    """Shows rows of any number; those of cases that are left out are struck through."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._columns: tuple[str, ...] = ()
        self._lines: tuple[CaseLine, ...] = ()
        self._left_out: Collection[str] = ()
        self._struck = QFont()
        self._struck.setStrikeOut(True)

    def show(self, columns: tuple[str, ...], lines: tuple[CaseLine, ...]) -> None:
        """Replace the rows."""
        self.beginResetModel()
        self._columns, self._lines = columns, lines
        self.endResetModel()

    def show_left_out(self, case_ids: Collection[str]) -> None:
        """Say which cases are left out."""
        self._left_out = case_ids
        if self._lines:
            self.dataChanged.emit(self.index(0, 0), self.index(len(self._lines) - 1, len(self._columns) - 1))

    def line(self, row: int) -> CaseLine:
        """Return the row at a place."""
        return self._lines[row]

    @property
    def lines(self) -> tuple[CaseLine, ...]:
        """What is shown, in its order."""
        return self._lines

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Sort by a column, as a click on its head asks for."""
        if 0 <= column < len(self._columns):
            is_descending = order == Qt.SortOrder.DescendingOrder
            self.show(self._columns, in_order(self._lines, column, is_descending=is_descending))

    def rowCount(self, parent: QModelIndex | None = None) -> int:
        """How many cases there are."""
        return len(self._lines)

    def columnCount(self, parent: QModelIndex | None = None) -> int:
        """How many columns there are."""
        return len(self._columns)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = int(Qt.ItemDataRole.DisplayRole)
    ) -> Any:
        """Name a column."""
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return self._columns[section]
        return None

    def data(self, index: QModelIndex, role: int = int(Qt.ItemDataRole.DisplayRole)) -> Any:
        """Text, alignment, and the line through what is left out."""
        line = self._lines[index.row()]
        cell = line.cells[index.column()]
        if role == Qt.ItemDataRole.DisplayRole:
            return number_text(cell)
        if role == Qt.ItemDataRole.ToolTipRole:
            left_out = " (left out)" if line.case_id in self._left_out else ""
            return f"{cell}{left_out}"
        if role == Qt.ItemDataRole.TextAlignmentRole and not isinstance(cell, str):
            return int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        if role == Qt.ItemDataRole.FontRole and line.case_id in self._left_out:
            return self._struck
        return None


class CaseTable(QWidget):
    """Cases with a filter above them.

    Signals
    -------
    opened : str
        The case to open.
    selection_changed : other cases are selected, or other rows are shown.
    """

    opened = Signal(str)
    selection_changed = Signal()

    def __init__(self, parent: QWidget | None = None, *, least_rows: int = 6) -> None:
        super().__init__(parent)
        self._cases = CaseList()
        self._model = CaseModel(self)
        self._choosers: dict[str, QComboBox] = {}
        self.filter = QLineEdit(self)
        self.filter.setPlaceholderText("filter: words of a name")
        self.filter.setClearButtonEnabled(True)
        self.filter.textChanged.connect(lambda text: self._refresh())
        self._above = QHBoxLayout()
        self._above.setSpacing(4)
        self._above.addWidget(self.filter, 1)
        self.view = self._make_view(least_rows)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addLayout(self._above)
        layout.addWidget(self.view, 1)

    def show_cases(self, cases: CaseList) -> None:
        """Replace the rows; the filter begins anew."""
        self._cases = cases
        self.filter.blockSignals(True)
        self.filter.clear()
        self.filter.blockSignals(False)
        self._make_choosers()
        self.view.horizontalHeader().setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        self._refresh()
        self._fit_columns()

    def show_left_out(self, case_ids: Collection[str]) -> None:
        """Strike cases through that are left out."""
        self._model.show_left_out(case_ids)

    @property
    def shown(self) -> tuple[str, ...]:
        """The cases in the table, from top to bottom."""
        return tuple(line.case_id for line in self._model.lines)

    @property
    def selected(self) -> tuple[str, ...]:
        """The cases that are selected, from top to bottom."""
        rows = sorted({index.row() for index in self.view.selectionModel().selectedRows()})
        return tuple(self._model.line(row).case_id for row in rows)

    def choose(self, column: str, value: str) -> None:
        """Show the rows with a value in a column; an empty value shows all."""
        box = self._choosers[column]
        box.setCurrentIndex(max(box.findData(value), 0))

    def select(self, case_id: str) -> None:
        """Select a case, if it is shown."""
        if case_id in self.shown:
            self.view.selectRow(self.shown.index(case_id))

    def open_first(self) -> None:
        """Open the first of the selected cases, or the first that is shown."""
        wanted = self.selected or self.shown
        if wanted:
            self.opened.emit(wanted[0])

    def _make_view(self, least_rows: int) -> QTableView:
        made = QTableView(self)
        made.setModel(self._model)
        made.setSortingEnabled(True)
        made.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        made.setTabKeyNavigation(False)
        made.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        made.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        made.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        made.setWordWrap(False)
        made.verticalHeader().hide()
        made.verticalHeader().setDefaultSectionSize(_ROW_PX)
        made.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        header = made.horizontalHeader()
        header.setResizeContentsPrecision(_MOST_MEASURED_ROWS)
        header.setHighlightSections(False)
        made.setMinimumHeight(header.sizeHint().height() + least_rows * _ROW_PX + 4)
        made.activated.connect(lambda index: self.opened.emit(self._model.line(index.row()).case_id))
        made.selectionModel().selectionChanged.connect(lambda *_: self.selection_changed.emit())
        return made

    def _make_choosers(self) -> None:
        for box in self._choosers.values():
            self._above.removeWidget(box)
            box.deleteLater()
        self._choosers = {}
        for column in self._cases.choosers:
            values = self._cases.values(column)
            if 1 < len(values) <= _MOST_CHOICES:
                box = QComboBox(self)
                box.setFocusPolicy(Qt.FocusPolicy.TabFocus)
                box.setMinimumContentsLength(7)
                box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
                box.addItem(f"any {column}", "")
                for value in values:
                    box.addItem(value, value)
                box.currentIndexChanged.connect(lambda index: self._refresh())
                self._above.addWidget(box)
                self._choosers[column] = box

    def _refresh(self) -> None:
        chosen = {column: box.currentData() for column, box in self._choosers.items()}
        lines = self._cases.picked(self.filter.text(), chosen)
        header = self.view.horizontalHeader()
        place = header.sortIndicatorSection()
        if 0 <= place < len(self._cases.columns):
            is_descending = header.sortIndicatorOrder() == Qt.SortOrder.DescendingOrder
            lines = in_order(lines, place, is_descending=is_descending)
        self._model.show(self._cases.columns, lines)
        is_long = len(self._cases.lines) >= _SHOWS_FILTER_FROM
        self.filter.setVisible(is_long or bool(self.filter.text()))
        self.selection_changed.emit()

    def _fit_columns(self) -> None:
        self.view.resizeColumnsToContents()
        header = self.view.horizontalHeader()
        for place in range(self._model.columnCount()):
            header.setSectionResizeMode(place, QHeaderView.ResizeMode.Interactive)
        header.setStretchLastSection(True)
