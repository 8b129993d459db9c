"""A list of the recipes that fit the task, each with a sentence on when to choose it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QComboBox, QFileDialog, QVBoxLayout, QWidget

from napari_medclf.domain.card import Task
from napari_medclf.domain.events import Job
from napari_medclf.ui.fields import Field
from napari_medclf.ui.layout import note
from napari_medclf.ui.shelf import Shelf

if TYPE_CHECKING:
    from napari_medclf.jobs.recipes import RecipeListing

PLANNED, AUTO, _FILE = "", "auto", "a recipe file …"
_SAID = {
    PLANNED: "A small network that suits the task, planned from the images; a good first try.",
    AUTO: "Tries several recipes and classic models on validation data, and keeps what is best: set Max minutes.",
}


class RecipeChoice(QWidget):
    """Choose what is trained; speaks the text that ``--recipe`` takes.

    Signals
    -------
    changed : another recipe was chosen.
    """

    changed = Signal()

    def __init__(self, shelf: Shelf, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._listing: RecipeListing | None = None
        self._task: Task | None = None
        self._before = PLANNED
        self.box = QComboBox(self)
        self.box.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.box.setMinimumContentsLength(16)
        self.box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.summary = note("", self)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self.box)
        layout.addWidget(self.summary)
        self._refill()
        self.box.currentIndexChanged.connect(lambda index: self._on_choice())
        shelf.lane.add("", _list_recipes, self._take_listing, lambda message: None)

    @property
    def value(self) -> str:
        """Name of the recipe or path of its file; empty for one planned from the data."""
        return str(self.box.currentData() or PLANNED)

    def set_value(self, value: object) -> None:
        """Choose a recipe; one that is not in the list is taken for a file."""
        name = str(value or PLANNED)
        if self.box.findData(name) < 0:
            self.box.insertItem(self.box.count() - 1, Path(name).name, name)
        self.box.setCurrentIndex(self.box.findData(name))

    def show_task(self, task: Task | None) -> None:
        """Offer the recipes that can learn a task, or all."""
        if task is not self._task:
            self._task = task
            self._refill()

    def as_field(self) -> Field:
        """Give the widget as a form takes it."""
        return Field(self, lambda: self.value, self.set_value, lambda call: _connect(self, call))

    def _take_listing(self, listing: RecipeListing) -> None:
        self._listing = listing
        self._refill()

    def _refill(self) -> None:
        before = self.value
        self.box.blockSignals(True)
        self.box.clear()
        self.box.addItem("planned from the data", PLANNED)
        self.box.addItem("auto: try several", AUTO)
        for name, title in self._titles().items():
            self.box.addItem(title, name)
        self.box.addItem(_FILE, _FILE)
        self.set_value(before)
        self.box.blockSignals(False)
        self._show_summary()

    def _titles(self) -> Mapping[str, str]:
        if self._listing is None:
            return {}
        fitting = [one for one in self._listing.families if self._task is None or self._task in one.tasks]
        return {one.name: one.title for one in fitting} | {
            name: f"{name} (as embedded)" for name in self._listing.built_in
        }

    def _on_choice(self) -> None:
        if self.value == _FILE:
            name, _ = QFileDialog.getOpenFileName(self, "Choose a recipe", "", "Recipes (*.json)")
            self.set_value(name or self._before)
            return
        self._before = self.value
        self._show_summary()
        self.changed.emit()

    def _show_summary(self) -> None:
        self.summary.setText(self._summary_of(self.value))

    def _summary_of(self, name: str) -> str:
        if name in _SAID:
            return _SAID[name]
        families = () if self._listing is None else self._listing.families
        found = next((one for one in families if one.name == name), None)
        if found is None:
            return "A complete recipe: network, input and settings as they are written."
        source = f" ({found.source})" if found.source else ""
        return f"{found.summary}{source}"


def _list_recipes() -> Job[RecipeListing]:
    from napari_medclf.jobs.recipes import ListOptions, list_recipes

    return list_recipes(ListOptions())


def _connect(choice: RecipeChoice, call: Callable[[], None]) -> None:
    choice.changed.connect(lambda: call())
