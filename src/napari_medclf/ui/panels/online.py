"""The models that can be downloaded: filtered by task and modality, with licence and size, and an Install button."""

from __future__ import annotations

from collections.abc import Callable
from html import escape

from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QAbstractItemView,
    QCheckBox,
    QComboBox,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QLineEdit,
    QTableWidget,
    QTableWidgetItem,
    QWidget,
)

from napari_medclf.domain.package import ModelPackage
from napari_medclf.store.zoo.entry import Zoo, ZooEntry, size_text
from napari_medclf.ui import model_tasks, notify
from napari_medclf.ui.layout import button, column, note
from napari_medclf.ui.shelf import Shelf

_ANY_TASK, _ANY_MODALITY = "any task", "any modality"
_COLUMNS = ("model", "task", "for", "size")
_ROW_PX = 24
_LINK = "#3d7fe0"
"""Readable on dark and on light."""
_RUNS = {
    "with trust": "It holds code of its own, which runs only after you allowed it.",
    "with a card": "Its files do not say enough: write a card, and install it with medclf models install --card.",
    "with trust and a card": "It holds code of its own, and needs a card: medclf models install --card.",
    "no": "This program cannot run it.",
}


class OnlinePage(QWidget):
    """The online list; it came with the program, so only installing asks the network.

    Parameters
    ----------
    on_installed : callable
        Gets the package of a model that was installed.
    """

    def __init__(self, shelf: Shelf, on_installed: Callable[[ModelPackage], None], parent: QWidget) -> None:
        super().__init__(parent)
        self._shelf, self._on_installed = shelf, on_installed
        self._entries: tuple[ZooEntry, ...] = ()
        self._shown: tuple[ZooEntry, ...] = ()
        layout = column(self, margin=0)
        layout.setContentsMargins(0, 8, 0, 0)
        layout.addLayout(self._filters())
        self.others = QCheckBox("Also models that only other programs run", self)
        self.others.toggled.connect(lambda on: self._filter())
        self.table = _table(self)
        self.table.itemSelectionChanged.connect(self._show_details)
        layout.addWidget(self.table, 1)
        layout.addWidget(self.others)
        self.details = note("", self)
        self.details.setTextFormat(Qt.TextFormat.RichText)
        self.details.setOpenExternalLinks(True)
        self.details.setTextInteractionFlags(Qt.TextInteractionFlag.TextBrowserInteraction)
        layout.addWidget(self.details)
        layout.addLayout(self._install_row())
        shelf.models_changed.connect(self._filter)
        shelf.lane.add("", model_tasks.list_online, self._take)

    @property
    def entry(self) -> ZooEntry | None:
        """The model that is chosen."""
        row = self.table.currentRow()
        return self._shown[row] if 0 <= row < len(self._shown) else None

    def install(self) -> bool:
        """Download and install the chosen model; the job bar shows how far it is and cancels it."""
        entry = self.entry
        if entry is None:
            notify.warn("Choose a model of the list first.")
            return False
        mirror = self.mirror.text().strip()
        self._shelf.settings.set("models", mirror=mirror)
        return self._shelf.bar.start(
            f"Installing {entry.name}", lambda: model_tasks.install(entry.name, mirror=mirror), self._on_installed
        )

    def _filters(self) -> QHBoxLayout:
        self.search = QLineEdit(self)
        self.search.setPlaceholderText("search")
        self.search.setClearButtonEnabled(True)
        self.search.textChanged.connect(lambda text: self._filter())
        self.task, self.modality = QComboBox(self), QComboBox(self)
        row = QHBoxLayout()
        row.addWidget(self.search, 1)
        for box in (self.task, self.modality):
            box.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            box.currentIndexChanged.connect(lambda index: self._filter())
            row.addWidget(box)
        return row

    def _install_row(self) -> QHBoxLayout:
        self.mirror = QLineEdit(self)
        self.mirror.setPlaceholderText("none: from the authors' servers")
        self.mirror.setToolTip(
            "Address or folder to download from, in place of the authors' servers\n(--mirror on the command line)"
        )
        self.mirror.setText(str(self._shelf.settings.get("models", "mirror", "")))
        self.start = button("Install", "Download the chosen model, check it, and install it", self.install, self)
        row = QHBoxLayout()
        row.addWidget(QLabel("Mirror", self))
        row.addWidget(self.mirror, 1)
        row.addWidget(self.start)
        return row

    def _take(self, zoo: Zoo) -> None:
        self._entries = zoo.models
        tasks = sorted({one.task for one in zoo.models})
        modalities = sorted({code for one in zoo.models for code in one.modality})
        for box, words in ((self.task, [_ANY_TASK, *tasks]), (self.modality, [_ANY_MODALITY, *modalities])):
            box.blockSignals(True)
            box.clear()
            box.addItems(words)
            box.blockSignals(False)
        self._filter()

    def _filter(self) -> None:
        entry = self.entry
        self._shown = tuple(one for one in self._entries if self._fits(one))
        self.table.blockSignals(True)
        self.table.setRowCount(len(self._shown))
        for row, one in enumerate(self._shown):
            for position, text in enumerate((one.title, one.task, ", ".join(one.modality), size_text(one))):
                self.table.setItem(row, position, _item(text, f"{one.title}\n{one.name}", is_right=position == 3))
        self.table.blockSignals(False)
        if entry in self._shown:
            self.table.selectRow(self._shown.index(entry))
        else:
            self.table.clearSelection()
            self.table.setCurrentCell(-1, -1)
        self._show_details()

    def _fits(self, entry: ZooEntry) -> bool:
        words = self.search.text().casefold().split()
        text = f"{entry.name} {entry.title} {entry.family}".casefold()
        return (
            (entry.is_runnable or self.others.isChecked())
            and self.task.currentText() in (_ANY_TASK, entry.task)
            and self.modality.currentText() in (_ANY_MODALITY, *entry.modality)
            and all(word in text for word in words)
        )

    def _show_details(self) -> None:
        entry = self.entry
        is_here = entry is not None and any(one.name == entry.name for one in self._shelf.packages)
        self.start.setEnabled(entry is not None and entry.is_runnable and not entry.needs_card)
        self.start.setText("Install again" if is_here else "Install")
        self.details.setText(
            f"{len(self._shown)} of {len(self._entries)} models. Choose one to read about it."
            if entry is None
            else _details(entry, is_here=is_here)
        )


def _details(entry: ZooEntry, *, is_here: bool) -> str:
    """Say what a model is, whose, how large and how it is checked, as rich text."""
    checks = {"SHA-256" if one.sha256 else "SHA-1" if one.sha1 else "" for one in entry.files}
    checked = (
        "Its authors publish no checksum; that of the first download is kept."
        if "" in checks
        else f"Checked against the published {' and '.join(sorted(checks))}."
    )
    lines = [
        f"<b>{escape(entry.title)}</b>",
        f"{escape(entry.name)} {escape(entry.version)} · {escape(entry.family)} · licence: {escape(entry.licence)}",
        f'<a href="{escape(entry.page)}" style="color: {_LINK}">{escape(entry.page)}</a>',
        checked,
    ]
    if is_here:
        lines.append("It is on this computer already.")
    if entry.runs != "yes":
        lines.append(_RUNS[entry.runs])
    return "<br>".join(lines)


def _table(parent: QWidget) -> QTableWidget:
    table = QTableWidget(0, len(_COLUMNS), parent)
    table.setHorizontalHeaderLabels(list(_COLUMNS))
    table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
    table.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    table.setWordWrap(False)
    table.setShowGrid(False)
    table.setMinimumHeight(260)
    table.verticalHeader().hide()
    table.verticalHeader().setDefaultSectionSize(_ROW_PX)
    header = table.horizontalHeader()
    header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
    header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
    return table


def _item(text: str, tooltip: str, *, is_right: bool) -> QTableWidgetItem:
    item = QTableWidgetItem(text)
    item.setToolTip(tooltip)
    if is_right:
        item.setTextAlignment(int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter))
    return item
