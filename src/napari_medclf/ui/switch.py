"""A row of buttons of which one is down, over what each of them shows."""

from __future__ import annotations

from collections.abc import Mapping

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QButtonGroup, QGridLayout, QPushButton, QSizePolicy, QVBoxLayout, QWidget

_MOST_IN_A_ROW = 4
"""More names than this would be cut off in a narrow dock; they get two rows."""


class Switch(QWidget):
    """Shows one of several widgets; all but the one that is shown take no room.

    Signals
    -------
    switched : str
        Name of what is shown now.
    """

    switched = Signal(str)

    def __init__(self, pages: Mapping[str, QWidget], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._pages = dict(pages)
        self._group = QButtonGroup(self)
        self._group.setExclusive(True)
        self.buttons: dict[str, QPushButton] = {}
        self._grid = QGridLayout()
        self._grid.setSpacing(2)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addLayout(self._grid)
        for name, page in self._pages.items():
            self._button(name)
            layout.addWidget(page)
        self.set_names(tuple(self._pages))

    @property
    def current(self) -> str:
        """Name of what is shown; empty before anything is."""
        return next((name for name, made in self.buttons.items() if made.isChecked()), "")

    def show_page(self, name: str) -> None:
        """Show one of the widgets."""
        self.buttons[name].setChecked(True)
        for other, page in self._pages.items():
            page.setVisible(other == name)
        self.switched.emit(name)

    def set_names(self, names: tuple[str, ...]) -> None:
        """Offer these only; the first of them is shown where the one that was is not offered any more."""
        n_rows = -(-len(names) // _MOST_IN_A_ROW)
        per_row = -(-len(names) // n_rows)
        for name, made in self.buttons.items():
            made.setVisible(name in names)
            self._grid.removeWidget(made)
            if name in names:
                self._grid.addWidget(made, *divmod(names.index(name), per_row))
        self.show_page(self.current if self.current in names else names[0])

    def set_text(self, name: str, text: str) -> None:
        """Write something else on a button."""
        self.buttons[name].setText(text)

    def _button(self, name: str) -> QPushButton:
        made = QPushButton(name, self)
        made.setCheckable(True)
        made.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        made.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        made.clicked.connect(lambda: self.show_page(name))
        self._group.addButton(made)
        self.buttons[name] = made
        return made
