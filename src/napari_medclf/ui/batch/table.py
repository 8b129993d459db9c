"""The table of a run's cases: a picture, what was answered, how doubtful it is; quick with ten thousands of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from qtpy.QtCore import QAbstractTableModel, QModelIndex, QObject, Qt, Signal
from qtpy.QtGui import QFont, QKeyEvent, QMouseEvent
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

from napari_medclf.domain.annotation import Status
from napari_medclf.domain.dataset import FileRef
from napari_medclf.domain.run import CaseStatus
from napari_medclf.ui.batch.delegate import PICTURE_PX, ROW_PX, RowDelegate
from napari_medclf.ui.batch.rows import GLYPHS, Column, RunRow, answer_lines
from napari_medclf.ui.picker.thumbnails import Thumbnails

ROW_ROLE = int(Qt.ItemDataRole.UserRole) + 1
"""The whole `RunRow` of a cell, for its delegate."""
_COLUMNS = tuple(Column)
_NO_PARENT = QModelIndex()
_ANSWER_PX, _DOUBT_PX = 118, 58
_LEAST_ROWS = 3
_KEYS = {
    (Qt.Key.Key_N, False): Status.DONE,
    (Qt.Key.Key_N, True): Status.SKIPPED,
    (Qt.Key.Key_X, False): Status.FLAGGED,
}
"""Key, and whether Shift is held, to what it says; as over the viewer."""


class RunRowsModel(QAbstractTableModel):
    """Tells rows cell by cell; pictures come when they are there."""

    def __init__(self, thumbnails: Thumbnails, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.rows: tuple[RunRow, ...] = ()
        self._places: dict[str, int] = {}
        self._asked: dict[FileRef, str] = {}
        self._opened = ""
        self._order: tuple[Column | None, bool] = None, True
        self._thumbnails = thumbnails
        thumbnails.loaded.connect(self._on_loaded)

    def show_rows(self, rows: Sequence[RunRow], opened: str = "") -> None:
        """Replace all rows.

        Parameters
        ----------
        opened : str
            The case that is in the viewer; its name is bold.
        """
        self.beginResetModel()
        self.rows, self._opened = tuple(rows), opened
        self._places = {row.record.case_id: place for place, row in enumerate(self.rows)}
        self.endResetModel()

    def place_of(self, case_id: str) -> int | None:
        """Where a case stands, None where it is not shown."""
        return self._places.get(case_id)

    def rowCount(self, parent: QModelIndex = _NO_PARENT) -> int:
        """How many cases there are."""
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: QModelIndex = _NO_PARENT) -> int:
        """How many things are told of each."""
        return 0 if parent.isValid() else len(_COLUMNS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Name the columns."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.TextAlignmentRole and _COLUMNS[section] is Column.DOUBT:
            return int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        if role != Qt.ItemDataRole.DisplayRole:
            return None
        # napari's style draws no sort indicator
        column, is_descending = self._order
        arrow = "" if column is not _COLUMNS[section] else " ▾" if is_descending else " ▴"
        return f"{_COLUMNS[section].value}{arrow}\u2009"

    def show_order(self, column: Column | None, is_descending: bool) -> None:
        """Mark the column by which the rows are sorted; None marks none."""
        self._order = column, is_descending
        self.headerDataChanged.emit(Qt.Orientation.Horizontal, 0, len(_COLUMNS) - 1)

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Tell a cell's text, its picture, its tooltip, and the whole row."""
        row = self.rows[index.row()]
        if role == ROW_ROLE:
            return row
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return _text(row, _COLUMNS[index.column()])
        if role == Qt.ItemDataRole.ToolTipRole:
            return tooltip(row)
        if role == Qt.ItemDataRole.DecorationRole and index.column() == 0 and row.record.status is CaseStatus.DONE:
            key = picture_key(row)
            self._asked[key] = row.record.case_id
            return self._thumbnails.get(key)
        if role == Qt.ItemDataRole.FontRole and row.record.case_id == self._opened:
            bold = QFont()
            bold.setBold(True)
            return bold
        return None

    def _on_loaded(self, key: FileRef) -> None:
        place = self._places.get(self._asked.pop(key, ""))
        if place is not None:
            self.dataChanged.emit(self.index(place, 0), self.index(place, 0))


class RunTable(QTableView):
    """The cases of a run; a double click or Return opens one, and the keys of the viewer say what of it.

    Signals
    -------
    opened : int
        Row of the case to open.
    said : Status
        What a person says about the case that is open: N accepts, Shift+N skips, X flags.
    sorted_by : another order is asked for.
    """

    opened = Signal(int)
    said = Signal(object)
    sorted_by = Signal()

    def __init__(self, thumbnails: Thumbnails, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.lines = RunRowsModel(thumbnails, self)
        self.setModel(self.lines)
        self.setItemDelegate(RowDelegate(ROW_ROLE, self))
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setTabKeyNavigation(False)
        self.setWordWrap(False)
        self.setShowGrid(False)
        rows = self.verticalHeader()
        rows.hide()
        rows.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        rows.setDefaultSectionSize(ROW_PX)
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setSectionsClickable(True)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        header.sectionClicked.connect(self._sort)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        header.setMinimumSectionSize(PICTURE_PX // 2)
        self._is_picked = False
        self._order: tuple[Column | None, bool] = None, True
        self.setColumnWidth(1, _ANSWER_PX)
        self.setColumnWidth(2, _DOUBT_PX)
        self.setMinimumHeight(header.sizeHint().height() + _LEAST_ROWS * ROW_PX + 4)
        self.activated.connect(lambda index: self.opened.emit(index.row()))

    @property
    def order(self) -> tuple[Column | None, bool]:
        """By which column a person wants the rows, and whether from large to small; None for the worst first."""
        return self._order

    @property
    def chosen(self) -> RunRow | None:
        """The row that is selected, None without one."""
        index = self.currentIndex()
        return self.lines.rows[index.row()] if index.isValid() else None

    def show_rows(self, rows: Sequence[RunRow], opened: str = "") -> None:
        """Replace all rows; the case that a person selected stays selected, and where it was if they had scrolled.

        Where it is not among them, the one that takes its place is selected; before anybody selected one, the first.
        """
        chosen = self.chosen if self._is_picked or opened else None
        bar = self.verticalScrollBar()
        above_px = 0 if chosen is None else self.rowViewportPosition(self.currentIndex().row())
        is_at_top, before = bar.value() == 0, max(self.currentIndex().row(), 0)
        self.lines.show_rows(rows, opened)
        place = None if chosen is None else self.lines.place_of(chosen.record.case_id)
        if place is not None:
            self.setCurrentIndex(self.lines.index(place, 0))
            bar.setValue(0 if is_at_top else max(place * ROW_PX - above_px, 0))
        elif rows:
            at = min(before, len(rows) - 1) if self._is_picked else 0
            self.setCurrentIndex(self.lines.index(at, 0))

    def choose(self, case_id: str) -> None:
        """Select a case, if it is shown, and scroll to it."""
        place = self.lines.place_of(case_id)
        if place is not None:
            self._is_picked = True
            self.setCurrentIndex(self.lines.index(place, 0))

    def forget_choice(self) -> None:
        """Select the first row again, as another run is shown."""
        self._is_picked = False

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Select what a person clicks on, and keep it selected."""
        self._is_picked = True
        super().mousePressEvent(event)

    def _sort(self, section: int) -> None:
        """Sort by the column that was clicked, then the other way; the third click brings the worst first again."""
        # Qt has turned its own sort indicator round before it tells of the click, so it says nothing of what was before
        column, was, is_descending = _COLUMNS[section], *self._order
        begins_descending = column is not Column.CASE
        if was is not column:
            self._order = column, begins_descending
        elif is_descending == begins_descending:
            self._order = column, not begins_descending
        else:
            self._order = None, True
        self.lines.show_order(*self._order)
        self.sorted_by.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Say what of the open case with the keys of the viewer; the rest is the table's."""
        self._is_picked = True
        is_shifted = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        status = _KEYS.get((Qt.Key(event.key()), is_shifted))
        if status is not None:
            self.said.emit(status)
        else:
            super().keyPressEvent(event)


def picture_key(row: RunRow) -> FileRef:
    """Name the picture of a case: the one that the run made, else that of its image."""
    return row.ref if row.picture is None else FileRef(row.picture)


def tooltip(row: RunRow) -> str:
    """Tell all that is known of a case."""
    record = row.record
    lines = [record.source, f"{GLYPHS[row.state]} {row.state.value}", *answer_lines(record), row.sentence]
    if row.triage is not None:
        lines += [f"{kind.value} {part:.2f}" for kind, part in row.triage.parts.items() if part > 0]
    if record.elapsed_s:
        lines.append(f"{record.elapsed_s:.2f} s" + (f" by {record.worker}" if record.worker else ""))
    return "\n".join(line for line in lines if line)


def _text(row: RunRow, column: Column) -> str:
    if column is Column.CASE:
        return row.record.case_id
    if column is Column.ANSWER:
        return "\n".join(answer_lines(row.record))
    return "" if row.triage is None else f"{row.triage.score:.2f}"
