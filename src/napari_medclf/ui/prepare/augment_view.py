"""Random changes of a recipe, tried on the image that is shown, with a warning where they break the label."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from napari_medclf.domain.card import Task
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.recipe.label_warnings import warnings_of
from napari_medclf.ui import notify, viewer_link
from napari_medclf.ui.layout import banner, button, note
from napari_medclf.ui.prepare.picture_grid import PictureGrid
from napari_medclf.ui.prepare.tasks import Changed, changed_images
from napari_medclf.ui.session import Session
from napari_medclf.ui.training.planned import planned_recipe
from napari_medclf.ui.training.settings_table import SettingsTable

Wanted = Callable[[], dict[str, Any]]
Meaning = Callable[[], tuple[LabelSchema, Task] | None]
_BEFORE = "Random changes come with the recipe that Train names. Press Show changes to see them on the shown image."


class AugmentView(QWidget):
    """The augmentation of the recipe, and what it makes of the image.

    Parameters
    ----------
    meaning : callable
        Returns the classes and the task of the data that is open, None without any.
    """

    changed = Signal()

    def __init__(self, session: Session, meaning: Meaning, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session, self._meaning = session, meaning
        self.wanted: Wanted = lambda: {"name": "", "data": None, "task": None}
        """Which recipe for which data, as `jobs.recipes.ShowOptions` takes them; the workbench sets it."""
        self._planned: dict[str, Any] | None = None
        self._seed = 0
        self._changed: tuple[Changed, ...] = ()
        self.explanation = note(_BEFORE, self)
        self.warning = banner("", self)
        self.grid = PictureGrid(self)
        self.grid.chosen.connect(self._show_in_viewer)
        self.table = SettingsTable(self, below="augment.")
        self.table.changed.connect(self._on_settings)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        for widget in (self.explanation, self.warning, self.grid):
            layout.addWidget(widget)
        layout.addLayout(self._buttons())
        layout.addWidget(self.table)

    def show_changes(self) -> bool:
        """Plan the recipe where that was not done, and change the shown image with it; False without an image."""
        image = self._session.image
        if image is None:
            notify.warn("Open an image first: the changes are shown on it.")
            return False
        wanted = self.wanted()
        if wanted != self._planned:
            self._planned = wanted
            self._session.lane.add("Planning the recipe", lambda: planned_recipe(wanted), self._take_recipe)
        else:
            self._compute()
        return True

    def _buttons(self) -> QHBoxLayout:
        row = QHBoxLayout()
        self.show_button = button("Show changes", "Change the shown image as training would", self.show_changes, self)
        self.others = button("Others", "The same settings with other random numbers", self._show_others, self)
        self.others.setEnabled(False)
        row.addWidget(self.show_button, 1)
        row.addWidget(self.others, 1)
        return row

    def _take_recipe(self, shown: Any) -> None:
        self.table.show_recipe(shown)
        self.explanation.setText(f"Random changes of the recipe {shown.recipe.family or shown.name}.")
        self._on_settings()

    def _show_others(self) -> None:
        self._seed += 1
        self._compute()

    def _on_settings(self) -> None:
        self._show_warning()
        if self.table.recipe is not None:
            self._compute()
        self.changed.emit()

    def _compute(self) -> None:
        image, recipe, seed = self._session.image, self.table.recipe, self._seed
        if image is None or recipe is None or self._planned is None:
            return
        spec = recipe.input if self._planned["data"] is not None else None
        self._session.lane.add(
            "Changing the image", lambda: changed_images(image, recipe.augment, spec, seed), self._take_changed
        )

    def _take_changed(self, changed: tuple[Changed, ...]) -> None:
        self._changed = changed
        names = ["as prepared", *(f"change {number}" for number in range(1, len(changed)))]
        self.grid.show_pictures([one.picture for one in changed], names)
        self.others.setEnabled(True)

    def _show_warning(self) -> None:
        recipe, meaning = self.table.recipe, self._meaning()
        found = () if recipe is None or meaning is None else warnings_of(recipe.augment, *meaning, recipe.input)
        self.warning.setText("\n".join(f"⚠ {sentence}" for sentence in found))
        self.warning.setVisible(bool(found))

    def _show_in_viewer(self, place: int) -> None:
        if self._session.viewer is not None:
            viewer_link.add_layer(self._session.viewer, self._changed[place].layer)
