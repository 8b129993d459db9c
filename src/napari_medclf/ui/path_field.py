"""A line for a path with buttons to choose a file or a folder; paths may be dropped on it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QDragEnterEvent, QDropEvent
from qtpy.QtWidgets import QFileDialog, QHBoxLayout, QLineEdit, QPushButton, QSizePolicy, QWidget


class PathField(QWidget):
    """A path, typed, chosen or dropped.

    Signals
    -------
    chosen : Path
        When a person picked a path with a button, by dropping, or with Return.
    """

    chosen = Signal(object)

    def __init__(self, parent: QWidget | None = None, *, files: bool = True, folders: bool = True) -> None:
        super().__init__(parent)
        self.line = QLineEdit(self)
        self.line.setPlaceholderText("drop a file or folder here" if files else "drop a folder here")
        self.line.returnPressed.connect(self._emit)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self.line, 1)
        if files:
            layout.addWidget(self._button("File…", "Choose a file", self._choose_file))
        if folders:
            layout.addWidget(self._button("Folder…", "Choose a folder", self._choose_folder))
        self.setAcceptDrops(True)

    def path(self) -> Path | None:
        """Return the path, None when the line is empty."""
        text = self.line.text().strip()
        return Path(text).expanduser() if text else None

    def set_path(self, path: Path | str | None) -> None:
        """Show a path without emitting `chosen`."""
        shown = "" if path is None or str(path) == "." else str(path)
        self.line.setText(shown)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Take local files and folders."""
        if event.mimeData().hasUrls() and event.mimeData().urls()[0].isLocalFile():
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Show what was dropped."""
        self.set_path(event.mimeData().urls()[0].toLocalFile())
        self._emit()

    def _button(self, text: str, tooltip: str, on_click: Any) -> QPushButton:
        button = QPushButton(text, self)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        button.setToolTip(tooltip)
        button.clicked.connect(on_click)
        return button

    def _choose_file(self) -> None:
        name, _ = QFileDialog.getOpenFileName(self, "Choose a file", self._start())
        self._take(name)

    def _choose_folder(self) -> None:
        self._take(QFileDialog.getExistingDirectory(self, "Choose a folder", self._start()))

    def _take(self, name: str) -> None:
        if name:
            self.set_path(name)
            self._emit()

    def _start(self) -> str:
        path = self.path()
        return str(path) if path is not None and path.exists() else ""

    def _emit(self) -> None:
        path = self.path()
        if path is not None:
            self.line.clearFocus()  # the next key is for the viewer
            self.chosen.emit(path)
