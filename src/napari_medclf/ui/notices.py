"""Where an image is unlike what a model was made for: a line each, with the button that mends it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from napari_medclf.domain.violation import Violation
from napari_medclf.ui.layout import button, note


class Notices(QWidget):
    """The violations of a card, one below the other; hidden while there are none.

    Parameters
    ----------
    on_fix : callable
        Gets the violation whose button was pressed.
    """

    def __init__(self, on_fix: Callable[[Violation], object], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._on_fix = on_fix
        self._shown: tuple[Violation, ...] = ()
        self._rows: list[QWidget] = []
        self.buttons: dict[str, QPushButton] = {}
        """Clause to its button, for those that can be mended."""
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(4)
        self.setVisible(False)

    @property
    def violations(self) -> tuple[Violation, ...]:
        """What is shown."""
        return self._shown

    def show_violations(self, violations: Sequence[Violation]) -> None:
        """Replace what is shown."""
        if tuple(violations) == self._shown:
            return
        self._shown = tuple(violations)
        for row in self._rows:
            self._layout.removeWidget(row)
            row.deleteLater()
        self.buttons.clear()
        self._rows = [self._row(one) for one in self._shown]
        for row in self._rows:
            self._layout.addWidget(row)
        self.setVisible(bool(self._rows))

    def _row(self, violation: Violation) -> QWidget:
        row = QWidget(self)
        layout = QHBoxLayout(row)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addWidget(note(f"⚠ {_with_signs(violation.sentence)}", row), 1)
        if violation.fix is not None:
            tip = "Changes a copy of the image; the file stays as it is"
            made = button(_with_signs(violation.fix_label), tip, partial(self._on_fix, violation), row)
            layout.addWidget(made, 0, Qt.AlignmentFlag.AlignTop)
            self.buttons[violation.clause] = made
        return row


def _with_signs(text: str) -> str:
    """Write sizes with the sign of multiplication, and keep each on one line."""
    return text.replace(" x ", "\N{NO-BREAK SPACE}×\N{NO-BREAK SPACE}").replace(" mm", "\N{NO-BREAK SPACE}mm")
