"""Where answers are kept, and whose they are."""

from __future__ import annotations

from qtpy.QtWidgets import QLineEdit, QWidget

from napari_medclf.ui.layout import column
from napari_medclf.ui.path_field import PathField
from napari_medclf.ui.session import Session


class KeptWhere(QWidget):
    """The folder of the project, and the name of the author."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        layout = column(self, margin=0)
        self.project = PathField(self, files=False)
        self.project.line.textChanged.connect(self._on_project)
        self.project.line.setPlaceholderText("automatic: one project a model")
        self.project.set_path(session.settings.get("correct", "project"))
        layout.addWidget(self.project)
        self.author = QLineEdit(self)
        self.author.setPlaceholderText("author: the user of this computer")
        self.author.setToolTip("Written into every saved answer; a pseudonym is fine")
        self.author.textChanged.connect(self._on_author)
        self.author.setText(str(session.settings.get("correct", "author", "")))
        layout.addWidget(self.author)
        session.work_changed.connect(self._show_project)

    def _on_project(self, text: str) -> None:
        self._session.project = self.project.path()
        self._session.settings.set("correct", project=text)

    def _on_author(self, text: str) -> None:
        self._session.author = text.strip()
        self._session.settings.set("correct", author=text.strip())

    def _show_project(self) -> None:
        if self._session.project != self.project.path():
            self.project.set_path(self._session.project)
