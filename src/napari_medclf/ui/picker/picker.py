"""The series list with its filter, what is known of the row that is chosen, and the ways to open it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from qtpy.QtCore import QModelIndex, Qt, QTimer, Signal
from qtpy.QtWidgets import QAbstractItemView, QHBoxLayout, QLineEdit, QListView, QPushButton, QVBoxLayout, QWidget

from napari_medclf.domain.dataset import FileRef
from napari_medclf.domain.listing import SeriesEntry
from napari_medclf.ui.layout import button, note
from napari_medclf.ui.picker.delegate import ROW_PX, PickerDelegate
from napari_medclf.ui.picker.model import PickerModel
from napari_medclf.ui.picker.rows import Row, filtered, picker_rows, tooltip_of
from napari_medclf.ui.picker.tag_table import TagTable
from napari_medclf.ui.picker.thumbnails import Thumbnails
from napari_medclf.ui.tasks import WorkItem
from napari_medclf.ui.work_list import WorkList

_WAYS = (("+gaps=blank", "Open with gaps left empty"), ("+gaps=resample", "Open resampled"))
_SHOWS_FILTER_FROM = 7
"""Rows; fewer are seen at a glance."""
_SEVERAL = 2


class SeriesPicker(QWidget):
    """Shows what a folder holds; double click, Return or a button opens what is selected.

    Signals
    -------
    opened : list of Row
        The rows to open, in their order.
    way_chosen : (SeriesEntry, FileRef)
        A refused series is to be opened all the same, in this way.
    """

    opened = Signal(object)
    way_chosen = Signal(object, object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._entries: Sequence[SeriesEntry] = ()
        self._items: list[WorkItem] = []
        self._rows: list[Row] = []
        self.thumbnails = Thumbnails(self)
        self._model = PickerModel(self.thumbnails, self)
        self.filter = QLineEdit(self)
        self.filter.setPlaceholderText("filter: words of a name, description or kind")
        self.filter.setClearButtonEnabled(True)
        self.filter.textChanged.connect(lambda text: self._refresh())
        self.list = self._make_list()
        self.detail = note("", self)
        self.tags = TagTable(self)
        self._ways = QHBoxLayout()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addWidget(self.filter)
        layout.addWidget(self.list, 1)
        layout.addWidget(self.detail)
        layout.addLayout(self._ways)
        layout.addLayout(self._buttons())
        layout.addWidget(self.tags)
        self._refresh()

    def show_work(self, entries: Sequence[SeriesEntry], work: WorkList) -> None:
        """Show a folder's entries with the status of those that are worked on."""
        if entries is not self._entries:
            self.thumbnails.forget()
            self.filter.clear()
        if entries is not self._entries or work.items != self._items:  # else only another image is opened
            self._entries, self._items = entries, list(work.items)
            self._rows = picker_rows(entries, work.items)
            self._refresh()
        place = None if work.current is None else self._model.place_of_item(work.current)
        if place is not None and len(self.selected) < _SEVERAL:  # a person who selects several is not disturbed
            self.list.setCurrentIndex(self._model.index(place))
        elif not work.items and self._model.rowCount() and not self.selected:  # tell why nothing opened
            self.list.setCurrentIndex(self._model.index(self._model.first_place))

    @property
    def selected(self) -> list[Row]:
        """The rows that are selected, from top to bottom."""
        places = sorted(index.row() for index in self.list.selectionModel().selectedIndexes())
        return [self._model.row(place) for place in places]

    def close_down(self) -> None:
        """Stop what is read in the background."""
        self.thumbnails.close_down()
        self.tags.close_down()

    def _make_list(self) -> QListView:
        made = QListView(self)
        made.setModel(self._model)
        made.setItemDelegate(PickerDelegate(made))
        made.setUniformItemSizes(True)
        made.setFocusPolicy(Qt.FocusPolicy.TabFocus)  # else letters search the list instead of reaching the viewer
        made.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        made.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        made.setMinimumHeight(4 * ROW_PX)
        made.activated.connect(self._on_activated)
        made.selectionModel().selectionChanged.connect(lambda selected, deselected: self._show_selected())
        return made

    def _buttons(self) -> QHBoxLayout:
        row = QHBoxLayout()
        self.open = button("Open", "Open what is selected (double click or Return)", self._open_selected, self)
        self.show_tags = button(
            "Tags", "Show the header of the selected series, without the patient", self._show_selected, self
        )
        self.show_tags.setCheckable(True)
        row.addWidget(self.open, 1)
        row.addWidget(self.show_tags, 1)
        return row

    def _refresh(self) -> None:
        rows = filtered(self._rows, self.filter.text())
        self._model.show(rows)
        self.filter.setVisible(bool(self.filter.text()) or len(rows) >= _SHOWS_FILTER_FROM)
        self._show_selected()

    def _on_activated(self, index: QModelIndex) -> None:
        rows = self.selected or [self._model.row(index.row())]
        self.opened.emit([row for row in rows if not row.is_heading])

    def _open_selected(self) -> None:
        if self.selected:
            self.opened.emit(self.selected)

    def _show_selected(self) -> None:
        rows = self.selected
        row = rows[0] if len(rows) == 1 else None
        entry = None if row is None else row.entry
        tells = row is not None and entry is not None and bool(row.is_refused or entry.warnings)
        self.detail.setText(tooltip_of(row) if row is not None and tells else "")
        self.detail.setVisible(tells)
        self._show_ways(entry if row is not None and row.is_refused else None)
        can_open = [one for one in rows if not one.is_refused]
        self.open.setEnabled(bool(can_open))
        self.open.setText(f"Open {len(can_open)} together" if len(can_open) > 1 else "Open")
        self.show_tags.setEnabled(entry is not None)
        self.tags.show_entry(entry if self.show_tags.isChecked() else None)
        QTimer.singleShot(0, self._keep_in_view)  # what is told below takes room from the list

    def _keep_in_view(self) -> None:
        if len(self.selected) == 1:
            self.list.scrollTo(self.list.currentIndex())

    def _show_ways(self, entry: SeriesEntry | None) -> None:
        while self._ways.count():
            old = self._ways.takeAt(0).widget()
            if old is not None:
                old.hide()
                old.deleteLater()
        for way in () if entry is None else entry.ways:
            self._ways.addWidget(self._way_button(entry, way))

    def _way_button(self, entry: SeriesEntry | None, way: FileRef) -> QPushButton:
        name = next((name for ending, name in _WAYS if way.member.endswith(ending)), f"Open as {way.member}")
        return button(name, "This was refused as it is; you decide", partial(self.way_chosen.emit, entry, way), self)
