"""Which cases of a run are shown: by words of their name, by where they stand, by what was found."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QComboBox, QHBoxLayout, QLineEdit, QWidget

from napari_medclf.ui.batch.rows import GLYPHS, RowFilter, RunRow, states_text


class RowChoice(QWidget):
    """A line for words, and two lists.

    Signals
    -------
    changed : other rows are asked for.
    """

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(4)
        self.words = QLineEdit(self)
        self.words.setPlaceholderText("filter")
        self.words.setToolTip("Words of a name")
        self.words.setClearButtonEnabled(True)
        self.words.textChanged.connect(lambda *_: self.changed.emit())
        row.addWidget(self.words, 1)
        self.states, self.classes = QComboBox(self), QComboBox(self)
        self.states.setToolTip("Which cases are shown")
        self.classes.setToolTip("Cases in which the model found this class")
        for box in (self.states, self.classes):
            box.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            box.setMinimumContentsLength(8)
            box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            box.currentIndexChanged.connect(lambda *_: self.changed.emit())
            row.addWidget(box)

    @property
    def wanted(self) -> RowFilter:
        """What is asked for."""
        return RowFilter(self.words.text(), self.states.currentData(), self.classes.currentData() or "")

    def offer_states(self, rows: Sequence[RunRow]) -> None:
        """Offer the states that rows have, with their numbers; the choice stays where it can."""
        counts = states_text(rows)
        entries = [(f"{GLYPHS[state]}  {state.value} ({count:,})", state) for state, count in counts.items()]
        _refill(self.states, [(f"all cases ({len(rows):,})", None), *entries])

    def offer_classes(self, names: Iterable[str]) -> None:
        """Offer classes that were found."""
        found = [(name, name) for name in names]
        _refill(self.classes, [("any class", ""), *found])
        self.classes.setVisible(bool(found))


def _refill(box: QComboBox, entries: Sequence[tuple[str, Any]]) -> None:
    """Offer other entries silently, and keep the choice where it is still offered."""
    wanted = box.currentData()
    box.blockSignals(True)
    box.clear()
    for text, value in entries:
        box.addItem(text, value)
    box.setCurrentIndex(max(box.findData(wanted), 0))
    box.blockSignals(False)
