"""Every setting of a recipe with its help; a changed one stands out, and becomes a ``--set``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QModelIndex, Qt, Signal
from qtpy.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QHeaderView,
    QLineEdit,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from napari_medclf.domain.errors import OptionError
from napari_medclf.ui import notify
from napari_medclf.ui.fields import Field
from napari_medclf.ui.layout import note

if TYPE_CHECKING:
    from napari_medclf.domain.recipe import Recipe
    from napari_medclf.engine.recipes.settings import SettingInfo
    from napari_medclf.jobs.recipes import ShownRecipe

_ROW_PX, _N_ROWS = 24, 9
_CHOICES = int(Qt.ItemDataRole.UserRole)


class SettingsTable(QWidget):
    """The settings of one recipe, which a person may change.

    Parameters
    ----------
    below : str
        Show those only whose name begins so, such as ``augment.``; empty for all.

    Signals
    -------
    changed : a setting was changed or set back.
    """

    changed = Signal()

    def __init__(self, parent: QWidget | None = None, *, below: str = "") -> None:
        super().__init__(parent)
        self._below = below
        self._recipe: Recipe | None = None
        self._settings: tuple[SettingInfo, ...] = ()
        self._set: dict[str, str] = {}
        self.told = note("", self)
        self.filter = QLineEdit(self)
        self.filter.setPlaceholderText("filter: lr, flip, epochs …")
        self.filter.setClearButtonEnabled(True)
        self.filter.textChanged.connect(lambda text: self._filter_rows())
        self.table = self._make_table()
        self.help = note("", self)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        for widget in (self.told, self.filter, self.table, self.help):
            layout.addWidget(widget)
        self._show_rows()

    def show_recipe(self, shown: ShownRecipe) -> None:
        """Show the settings of a recipe as it was planned; those that a person changed stay changed where they fit."""
        self._recipe = shown.recipe
        self._settings = tuple(one for one in shown.settings if one.path.startswith(self._below))
        known = {one.path for one in self._settings}
        self._set = {path: text for path, text in self._set.items() if path in known}
        self.told.setText(f"As planned for {shown.planned_for}." if shown.planned_for else "As it is written.")
        self._show_rows()

    def forget(self) -> None:
        """Show nothing, because another recipe was chosen; what was changed is forgotten, too."""
        self._recipe, self._settings = None, ()
        self.set_value(())

    @property
    def recipe(self) -> Recipe | None:
        """The recipe with what was changed; None while none is shown."""
        from napari_medclf.engine.recipes.changes import with_settings

        return None if self._recipe is None else with_settings(self._recipe, self.value)

    @property
    def value(self) -> tuple[str, ...]:
        """What was changed, as ``--set`` takes it."""
        return tuple(f"{path}={text}" for path, text in self._set.items())

    def set_value(self, value: Any) -> None:
        """Take over changes."""
        pairs = (str(one).partition("=") for one in value or ())
        self._set = {path.strip(): text.strip() for path, _, text in pairs}
        self._show_rows()
        self.changed.emit()

    def change(self, path: str, text: str) -> bool:
        """Change a setting; False, with a notification, where the value does not fit."""
        from napari_medclf.engine.recipes.changes import with_settings

        planned = text_of(next(one.value for one in self._settings if one.path == path))
        changes = {name: said for name, said in self._set.items() if name != path}
        if text.strip() != planned:
            changes[path] = text.strip()
        try:
            assert self._recipe is not None
            with_settings(self._recipe, [f"{name}={said}" for name, said in changes.items()])
        except OptionError as error:
            notify.complain(str(error))
            self._show_rows()
            return False
        self._set = changes
        self._show_rows()
        self.changed.emit()
        return True

    def as_field(self) -> Field:
        """Give the widget as a form takes it."""
        return Field(self, lambda: self.value, self.set_value, lambda call: self._on_change(call))

    def _on_change(self, call: Any) -> None:
        self.changed.connect(lambda: call())

    def _make_table(self) -> QTableWidget:
        made = QTableWidget(0, 2, self)
        made.setHorizontalHeaderLabels(["setting", "value"])
        made.verticalHeader().hide()
        made.verticalHeader().setDefaultSectionSize(_ROW_PX)
        made.horizontalHeader().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        made.horizontalHeader().setSectionResizeMode(1, QHeaderView.ResizeMode.Fixed)
        made.setColumnWidth(1, 130)
        made.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        made.setTabKeyNavigation(False)
        made.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        made.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        made.setFixedHeight(made.horizontalHeader().sizeHint().height() + _N_ROWS * _ROW_PX + 4)
        made.setItemDelegateForColumn(1, _ValueDelegate(made))
        made.itemChanged.connect(self._on_item)
        made.currentCellChanged.connect(lambda row, *rest: self._show_help(row))
        return made

    def _show_rows(self) -> None:
        self.table.blockSignals(True)
        self.table.setRowCount(len(self._settings))
        for row, one in enumerate(self._settings):
            self._show_row(row, one)
        self.table.blockSignals(False)
        for widget in (self.told, self.filter, self.table, self.help):
            widget.setVisible(bool(self._settings))
        self._filter_rows()

    def _show_row(self, row: int, one: SettingInfo) -> None:
        is_changed = one.path in self._set
        name = QTableWidgetItem(one.path.removeprefix(self._below).replace("network.arguments.", "network."))
        name.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable)
        value = QTableWidgetItem(self._set.get(one.path, text_of(one.value)))
        value.setData(_CHOICES, list(one.choices))
        for item in (name, value):
            font = item.font()
            font.setBold(is_changed)
            item.setFont(font)
            planned = f"\nPlanned: {text_of(one.value)}" if is_changed else ""
            item.setToolTip(f"{one.help}{planned}")
            self.table.setItem(row, 0 if item is name else 1, item)

    def _filter_rows(self) -> None:
        words = self.filter.text().lower().split()
        for row, one in enumerate(self._settings):
            haystack = f"{one.path} {one.help}".lower()
            self.table.setRowHidden(row, not all(word in haystack for word in words))

    def _show_help(self, row: int) -> None:
        if 0 <= row < len(self._settings):
            one = self._settings[row]
            limits = [f"from {one.minimum:g}"] if one.minimum is not None else []
            limits += [f"to {one.maximum:g}"] if one.maximum is not None else []
            said = f" One of: {', '.join(one.choices)}." if one.choices else ""
            self.help.setText(f"{one.help}{said}{f' ({one.kind} {chr(32).join(limits)})' if limits else ''}")

    def _on_item(self, item: QTableWidgetItem) -> None:
        if item.column() == 1:
            self.change(self._settings[item.row()].path, item.text())


class _ValueDelegate(QStyledItemDelegate):
    """Offers a list where a setting has few values."""

    def createEditor(self, parent: QWidget, option: QStyleOptionViewItem, index: QModelIndex) -> QWidget:
        choices = index.data(_CHOICES)
        if not choices:
            return super().createEditor(parent, option, index)
        box = QComboBox(parent)
        box.addItems(choices)
        return box

    def setEditorData(self, editor: QWidget, index: QModelIndex) -> None:
        if isinstance(editor, QComboBox):
            editor.setCurrentIndex(max(editor.findText(str(index.data())), 0))
        else:
            super().setEditorData(editor, index)

    def setModelData(self, editor: QWidget, model: Any, index: QModelIndex) -> None:
        if isinstance(editor, QComboBox):
            model.setData(index, editor.currentText())
        else:
            super().setModelData(editor, model, index)


def text_of(value: Any) -> str:
    """Write a value as ``--set`` reads it.

    >>> text_of(True), text_of([32, 64]), text_of("adamw"), text_of(None)
    ('true', '[32, 64]', 'adamw', 'null')
    """
    if isinstance(value, str):
        return value
    return json.dumps(value if not isinstance(value, Mapping) else dict(value))
