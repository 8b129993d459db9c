"""A list of the installed models that follows the catalogue and keeps its choice."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QComboBox, QWidget

from napari_medclf.domain.package import ModelPackage
from napari_medclf.ui.shelf import Shelf


class ModelChoice(QComboBox):
    """Choose a model by name.

    Parameters
    ----------
    none : str
        Text of an entry for "no model"; empty for no such entry.
    wanted : str
        The name to choose as soon as it is in the list.
    """

    def __init__(self, shelf: Shelf, parent: QWidget | None = None, *, none: str = "", wanted: str = "") -> None:
        super().__init__(parent)
        self._shelf, self._none, self._wanted = shelf, none, wanted
        self.setMinimumContentsLength(16)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        shelf.models_changed.connect(self._refill)
        self._refill()

    @property
    def package(self) -> ModelPackage | None:
        """The model that is chosen, None for none."""
        return next((one for one in self._shelf.packages if one.name == self.currentText()), None)

    @property
    def chosen_name(self) -> str:
        """Its name, empty for none."""
        return "" if self.package is None else self.package.name

    def choose(self, name: str) -> bool:
        """Choose a model by name; when it is not in the list yet, it is chosen once it is."""
        self._wanted = name
        index = self.findText(name)
        if index >= 0:
            self.setCurrentIndex(index)
        return index >= 0

    def _refill(self) -> None:
        wanted = self._wanted or self.currentText()
        before = self.currentText()
        self.blockSignals(True)
        self.clear()
        self.addItems([self._none] * bool(self._none) + [package.name for package in self._shelf.packages])
        if wanted and self.choose(wanted):
            self._wanted = ""
        self.blockSignals(False)
        if self.currentText() != before:
            self.currentIndexChanged.emit(self.currentIndex())
