"""The series list as Qt asks for it: texts at once, pictures when they are there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from qtpy.QtCore import QAbstractListModel, QModelIndex, QObject, Qt

from napari_medclf.ui.picker.rows import Row, tooltip_of
from napari_medclf.ui.picker.thumbnails import Thumbnails

_USER = int(Qt.ItemDataRole.UserRole)
ROW_ROLE = _USER + 1
"""The `Row` itself."""


class PickerModel(QAbstractListModel):
    """Shows rows of any number without making a widget item a row."""

    def __init__(self, thumbnails: Thumbnails, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows: list[Row] = []
        self._thumbnails = thumbnails
        thumbnails.loaded.connect(self._on_loaded)

    def show(self, rows: Sequence[Row]) -> None:
        """Replace the rows; where only texts changed, selection and place stay."""
        old, self._rows = self._rows, list(rows)
        if [_key(row) for row in old] == [_key(row) for row in self._rows]:
            if self._rows:
                self.dataChanged.emit(self.index(0), self.index(len(self._rows) - 1))
            return
        new, self._rows = self._rows, old
        self.beginResetModel()
        self._rows = new
        self.endResetModel()

    def row(self, number: int) -> Row:
        """Return the row at a place."""
        return self._rows[number]

    def place_of_item(self, item: int) -> int | None:
        """Where an image of the work list is shown; None where the filter hides it."""
        return next((place for place, row in enumerate(self._rows) if row.item == item), None)

    @property
    def first_place(self) -> int:
        """Where the first row is that is no heading."""
        return next((place for place, row in enumerate(self._rows) if not row.is_heading), 0)

    def rowCount(self, parent: QModelIndex | None = None) -> int:
        """How many rows there are."""
        return len(self._rows)

    def flags(self, index: QModelIndex) -> Qt.ItemFlag:
        """Let everything but headings be selected, also what is refused, to see why."""
        if not index.isValid() or self._rows[index.row()].is_heading:
            return Qt.ItemFlag.NoItemFlags
        return Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable

    def data(self, index: QModelIndex, role: int = int(Qt.ItemDataRole.DisplayRole)) -> Any:
        """Text, tooltip, picture, or the row itself."""
        row = self._rows[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return f"{row.glyph}  {row.title}" if row.glyph else row.title
        if role == Qt.ItemDataRole.ToolTipRole:
            return tooltip_of(row)
        if role == Qt.ItemDataRole.DecorationRole:
            return None if row.ref is None or row.is_refused else self._thumbnails.get(row.ref)
        return row if role == ROW_ROLE else None

    def _on_loaded(self, ref: object) -> None:
        for place, row in enumerate(self._rows):
            if row.ref == ref:
                index = self.index(place)
                self.dataChanged.emit(index, index)
                return


def _key(row: Row) -> object:
    return row.heading if row.ref is None else (row.ref, row.depth)
