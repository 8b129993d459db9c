"""The settings of the chosen recipe, planned for the data when a person asks to see them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_medclf.domain.events import Job
from napari_medclf.ui.layout import button
from napari_medclf.ui.shelf import Shelf
from napari_medclf.ui.training.recipe_choice import AUTO
from napari_medclf.ui.training.settings_table import SettingsTable


class PlannedSettings(QWidget):
    """A button, and below it the settings.

    Parameters
    ----------
    wanted : callable
        Returns the name of the recipe, the data and the task, as `jobs.recipes.ShowOptions` takes them.
    """

    def __init__(self, shelf: Shelf, wanted: Callable[[], dict[str, Any]], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._shelf, self._wanted = shelf, wanted
        self.show_settings = button("", "Plan the recipe for the data, and show every setting", self._plan, self)
        self.show_settings.setCheckable(True)
        self.table = SettingsTable(self)
        self.table.changed.connect(self._show_text)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addWidget(self.show_settings)
        layout.addWidget(self.table)
        self._show_text()

    def forget(self) -> None:
        """Take changes back, because another recipe was chosen."""
        self.table.forget()
        self._plan()

    def _plan(self) -> None:
        self.table.setVisible(self.show_settings.isChecked())
        wanted = self._wanted()
        self.show_settings.setEnabled(wanted["name"] != AUTO)
        if self.show_settings.isChecked() and wanted["name"] != AUTO:
            self._shelf.lane.add("Planning the recipe", lambda: planned_recipe(wanted), self.table.show_recipe)
        self._show_text()

    def _show_text(self) -> None:
        n_changed = len(self.table.value)
        changed = f" ({n_changed} changed)" if n_changed else ""
        self.show_settings.setText(f"{'Hide' if self.show_settings.isChecked() else 'Show'} settings{changed}")


def planned_recipe(wanted: dict[str, Any]) -> Job[Any]:
    """Plan a recipe, for data or for a typical image; arguments as `jobs.recipes.ShowOptions` takes them."""
    from napari_medclf.jobs.recipes import ShowOptions, show_recipe

    return show_recipe(ShowOptions(**wanted))
