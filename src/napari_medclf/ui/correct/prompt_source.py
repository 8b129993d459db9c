"""Who answers clicks, lines and boxes: the model, or an nnInteractive server of one's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtWidgets import QComboBox, QHBoxLayout, QLabel, QLineEdit, QWidget

from napari_medclf.ui.correct.model_help import ModelHelp
from napari_medclf.ui.correct.server_help import EXAMPLE, ServerHelp
from napari_medclf.ui.layout import button, column
from napari_medclf.ui.session import Session

if TYPE_CHECKING:
    from napari_medclf.engine.instant.prompts import Prompt

_MODEL, _SERVER = "model", "server"
_SOURCES = {_MODEL: "the model", _SERVER: "an nnInteractive server"}


class PromptSource(QWidget):
    """The choice, and what belongs to a server."""

    def __init__(self, session: Session, help_: ModelHelp, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session, self._help = session, help_
        self.server = ServerHelp(session, self)
        self.server.told.connect(help_.told)
        layout = column(self, margin=0, spacing=4)
        layout.addLayout(self._choice())
        self.settings = self._server_row()
        layout.addWidget(self.settings)
        self._follow()

    def ask(self, layer: Any, prompt: Prompt) -> bool:
        """Let a prompt be answered; False where no model can be asked."""
        if self.choice.currentData() == _SERVER:
            return self.server.ask(layer, prompt)
        return self._help.ask(layer, prompt)

    def _choice(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(4)
        self.choice = QComboBox(self)
        self.choice.setToolTip("A server follows your prompts alone, whatever model made the labels")
        for key, text in _SOURCES.items():
            self.choice.addItem(text, key)
        self.choice.currentIndexChanged.connect(lambda *_: self._follow())
        row.addWidget(QLabel("Answered by", self))
        row.addWidget(self.choice, 1)
        return row

    def _server_row(self) -> QWidget:
        made = QWidget(self)
        row = QHBoxLayout(made)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(4)
        self.address = QLineEdit(str(self._session.settings.get("correct", "server", "") or _known()), made)
        self.address.setPlaceholderText(EXAMPLE)
        self.address.setToolTip("Address of the server; started with `nninteractive-server`")
        self.address.textChanged.connect(lambda *_: self._follow())
        self.address.editingFinished.connect(self._remember)
        self.next = button(
            "Next object", "The next prompt begins another object; this one stays", self.server.begin_object, made
        )
        row.addWidget(self.address, 1)
        row.addWidget(self.next)
        return made

    def _follow(self) -> None:
        """Ask whom is chosen."""
        self.settings.setVisible(self.choice.currentData() == _SERVER)
        self.server.address = self.address.text() or EXAMPLE

    def _remember(self) -> None:
        """Remember where the server is; a new window begins with the model, as the server may be gone by then."""
        self._session.settings.set("correct", server=self.address.text())


def _known() -> str:
    """The address that is set for the command line and Python too."""
    from napari_medclf.backends.external.setting import read_setting

    return read_setting("nninteractive")
