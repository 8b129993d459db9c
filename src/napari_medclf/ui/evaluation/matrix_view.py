"""A confusion matrix whose cells are chosen by mouse or keys."""

from __future__ import annotations

from qtpy.QtCore import QModelIndex, QSize, Qt, Signal
from qtpy.QtGui import QColor, QPainter, QPalette
from qtpy.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QSizePolicy,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableWidget,
    QTableWidgetItem,
    QWidget,
)

from napari_medclf.ui.evaluation.points import Matrix

_SHARE, _RIGHT = int(Qt.ItemDataRole.UserRole), int(Qt.ItemDataRole.UserRole) + 1
# Okabe & Ito 2008: blue for what was decided rightly, vermilion for errors.
_RIGHT_COLOUR, _WRONG_COLOUR = QColor("#0072B2"), QColor("#D55E00")
_ROW_PX, _MOST_ROWS, _LEAST_COLUMN_PX, _MOST_NAME_PX = 30, 10, 58, 150


class MatrixView(QTableWidget):
    """Rows are what the data says, columns what the model said; every cell holds its number of cases.

    Signals
    -------
    chosen : (row, column) of a cell.
    """

    chosen = Signal(int, int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setTabKeyNavigation(False)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setItemDelegate(_CellDelegate(self))
        self.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.setCornerButtonEnabled(False)
        self.verticalHeader().setDefaultSectionSize(_ROW_PX)
        self.verticalHeader().setMaximumWidth(_MOST_NAME_PX)
        self.verticalHeader().setSectionsClickable(False)
        self.verticalHeader().setDefaultAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.horizontalHeader().setSectionsClickable(False)
        self.horizontalHeader().setMinimumSectionSize(_LEAST_COLUMN_PX)
        self.currentCellChanged.connect(self._on_cell)

    def show_matrix(self, matrix: Matrix) -> None:
        """Replace the cells; none is chosen then."""
        self.blockSignals(True)
        self.clear()
        self.setRowCount(len(matrix.rows))
        self.setColumnCount(len(matrix.columns))
        self.setVerticalHeaderLabels(list(matrix.rows))
        self.setHorizontalHeaderLabels(list(matrix.columns))
        for row, cells in enumerate(matrix.cells):
            n_row = sum(len(cell) for cell in cells) or 1
            for column, cell in enumerate(cells):
                self.setItem(row, column, self._item(matrix, row, column, len(cell), len(cell) / n_row))
        self.setCurrentCell(-1, -1)
        self.blockSignals(False)
        self._fit(matrix)

    def sizeHint(self) -> QSize:
        """Ask for any width."""
        return QSize(200, super().sizeHint().height())

    @staticmethod
    def _item(matrix: Matrix, row: int, column: int, count: int, share: float) -> QTableWidgetItem:
        item = QTableWidgetItem(f"{count:,}")
        item.setTextAlignment(int(Qt.AlignmentFlag.AlignCenter))
        item.setData(_SHARE, share)
        item.setData(_RIGHT, matrix.is_right(row, column))
        item.setToolTip(
            f"{matrix.rows[row]}, {matrix.columns[column]}: {count:,} cases, {100 * share:.1f} % of the row"
        )
        return item

    def _fit(self, matrix: Matrix) -> None:
        many = len(matrix.columns) > 5
        mode = QHeaderView.ResizeMode.ResizeToContents if many else QHeaderView.ResizeMode.Stretch
        self.horizontalHeader().setSectionResizeMode(mode)
        for place, name in enumerate(matrix.columns):
            self.horizontalHeaderItem(place).setToolTip(f"said: {name}")
        for place, name in enumerate(matrix.rows):
            self.verticalHeaderItem(place).setToolTip(f"in the data: {name}")
        head = self.horizontalHeader().sizeHint().height()
        bar = self.horizontalScrollBar().sizeHint().height() if many else 0
        self.setFixedHeight(head + min(len(matrix.rows), _MOST_ROWS) * _ROW_PX + bar + 4)

    def _on_cell(self, row: int, column: int, *before: int) -> None:
        if row >= 0 and column >= 0:
            self.chosen.emit(row, column)


class _CellDelegate(QStyledItemDelegate):
    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex) -> None:
        share = index.data(_SHARE)
        if share is None:
            return
        painter.save()
        colour = QColor(_RIGHT_COLOUR if index.data(_RIGHT) else _WRONG_COLOUR)
        colour.setAlphaF(0.10 + 0.75 * min(float(share), 1.0) if float(share) > 0 else 0.0)
        area = option.rect.adjusted(1, 1, -1, -1)
        painter.fillRect(area, colour)
        ink = option.palette.color(QPalette.ColorRole.Text)
        if option.state & QStyle.StateFlag.State_Selected:
            painter.setPen(ink)
            painter.drawRect(area.adjusted(0, 0, -1, -1))
            painter.drawRect(area.adjusted(1, 1, -2, -2))
        painter.setPen(QColor("white") if colour.alphaF() > 0.5 else ink)
        painter.drawText(option.rect, int(Qt.AlignmentFlag.AlignCenter), str(index.data()))
        painter.restore()
