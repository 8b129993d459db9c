"""Tables of results: numbers by row, and class scores with a bar behind each."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from qtpy.QtCore import QModelIndex, QRectF, Qt
from qtpy.QtGui import QColor, QPainter, QResizeEvent
from qtpy.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QSizePolicy,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableWidget,
    QTableWidgetItem,
    QWidget,
)

from napari_medclf.domain.results import Classification

MOST_MEASURED = 1000
"""Rows of measurements in a table; the features of the layer hold all."""
_ROW_PX = 24
_SHARE = int(Qt.ItemDataRole.UserRole) + 1
_BAR = QColor("#0072B2")
_NAMES = {
    "class": "class",
    "n_vox": "voxels",
    "volume_ml": "mL",
    "area_mm2": "mm²",
    "area_px": "pixels",
    "volume_vox": "voxels",
    "index": "label",
}
_FIRST = ("index", "box", "class")


class ResultsTable(QTableWidget):
    """A read-only table that is as high as its rows, up to a limit."""

    def __init__(self, parent: QWidget | None = None, *, most_rows: int = 8) -> None:
        super().__init__(parent)
        self._most_rows = most_rows
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(_ROW_PX)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAsNeeded)
        self.setWordWrap(False)
        self._fit()

    def show_rows(self, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """Replace the content; numbers are aligned to the right."""
        listed = list(rows)
        self.clear()
        self.setColumnCount(len(columns))
        self.setHorizontalHeaderLabels(list(columns))
        self.setRowCount(len(listed))
        for row, values in enumerate(listed):
            for position, value in enumerate(values):
                self.setItem(row, position, _item(value))
        self._stretch()

    def add_row(self, values: Sequence[Any]) -> None:
        """Append a row and scroll to it."""
        row = self.rowCount()
        self.setRowCount(row + 1)
        for position, value in enumerate(values):
            self.setItem(row, position, _item(value))
        self._fit()
        self.scrollToBottom()

    def show_measurements(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Show measurements a class or object, under names people read."""
        rows = rows[:MOST_MEASURED]
        names = list(dict.fromkeys(name for row in rows for name in row))
        if {"area_px", "volume_vox"} & set(names):
            names.remove("n_vox")  # it is the same number
        first = [name for name in _FIRST if name in names]
        names = first + [name for name in names if name not in first]
        self.show_rows([_NAMES.get(name, name.replace("_", " ")) for name in names],
                       [[row.get(name, "") for name in names] for row in rows])  # fmt: skip

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Leave room for the bar that scrolls sideways, where there is one."""
        super().resizeEvent(event)
        self._fit()

    def _stretch(self) -> None:
        header = self.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setStretchLastSection(True)
        self._fit()

    def _fit(self) -> None:
        rows = min(max(self.rowCount(), 1), self._most_rows)
        header = self.horizontalHeader()
        bar = self.verticalScrollBar().sizeHint().width() if self.rowCount() > self._most_rows else 0
        is_wide = header.length() - bar > self.viewport().width()
        below = self.horizontalScrollBar().sizeHint().height() if is_wide else 0
        self.setFixedHeight(header.sizeHint().height() + rows * _ROW_PX + below + 4)


class ScoreTable(ResultsTable):
    """Class scores, highest first, with a bar behind each and a mark at what was decided."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setItemDelegateForColumn(1, _BarDelegate(self))

    @property
    def chosen_class(self) -> str:
        """The class of the row that a person chose; empty where none is."""
        chosen = self.selectionModel().selectedRows() if self.rowCount() else []
        return str(self.item(chosen[0].row(), 0).text()) if chosen else ""

    def show_scores(self, classification: Classification | None, person: Sequence[str] | None) -> None:
        """Show what the model and the person say; None and no classes empty the table."""
        scores = {} if classification is None else classification.scores
        ranked = sorted(scores.items(), key=lambda pair: -pair[1])
        decided = () if classification is None else classification.decided
        self.show_rows(
            ["class", "score", "model", "you"],
            [
                [name, f"{100 * score:.1f} %", _mark(name in decided), _mark(name in (person or ()))]
                for name, score in ranked
            ],
        )
        for row, (_, score) in enumerate(ranked):
            self.item(row, 1).setData(_SHARE, float(score))
        header = self.horizontalHeader()
        header.setStretchLastSection(False)
        if self.columnCount() > 1:
            header.setSectionResizeMode(1, QHeaderView.ResizeMode.Stretch)


class _BarDelegate(QStyledItemDelegate):
    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex) -> None:
        share = index.data(_SHARE)
        if share is not None:
            painter.save()
            area = QRectF(option.rect).adjusted(2, 4, -2, -4)
            area.setWidth(max(1.0, area.width() * min(max(float(share), 0.0), 1.0)))
            colour = QColor(_BAR)
            colour.setAlpha(150)
            painter.fillRect(area, colour)
            painter.restore()
        super().paint(painter, option, index)


def number_text(value: Any) -> str:
    """Write a value for a table: whole numbers whole, others with four digits, nothing for not-a-number.

    >>> number_text(1234567), number_text(0.12345678), number_text(float("nan"))
    ('1,234,567', '0.1235', '–')
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    if isinstance(value, int):
        return f"{value:,}"
    if not math.isfinite(value):
        return "–"
    return f"{value:.4g}" if abs(value) < 10_000 else f"{value:,.0f}"


def _item(value: Any) -> QTableWidgetItem:
    item = QTableWidgetItem(number_text(value))
    item.setToolTip(str(value))
    if isinstance(value, int | float) or (isinstance(value, str) and value.endswith(" %")):
        item.setTextAlignment(int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter))
    return item


def _mark(is_set: bool) -> str:
    return "●" if is_set else ""
