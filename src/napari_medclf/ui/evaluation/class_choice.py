"""A list of classes, under a word that says what for."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QComboBox, QHBoxLayout, QLabel, QWidget


class ClassChoice(QWidget):
    """Choose a class; keeps its choice when the classes are the same again.

    Signals
    -------
    changed : str
        The class.
    """

    changed = Signal(str)

    def __init__(self, label: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.box = QComboBox(self)
        self.box.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.box.setMinimumContentsLength(12)
        self.box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(QLabel(label, self))
        layout.addWidget(self.box, 1)
        self.box.currentIndexChanged.connect(lambda index: self.changed.emit(self.name))

    @property
    def name(self) -> str:
        """The class that is chosen."""
        return str(self.box.currentText())

    def show_names(self, names: Sequence[str], wanted: str = "") -> None:
        """Replace the classes."""
        before = wanted or self.name
        self.box.blockSignals(True)
        self.box.clear()
        self.box.addItems(list(names))
        self.box.setCurrentIndex(max(self.box.findText(before), 0))
        self.box.blockSignals(False)
        self.changed.emit(self.name)
