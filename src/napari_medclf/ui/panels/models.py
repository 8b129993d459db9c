"""Models: what is installed, what each card says, and adding or removing one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QHBoxLayout, QListWidget, QTextBrowser, QWidget

from napari_medclf.domain.events import Job, Progress
from napari_medclf.domain.package import ModelPackage
from napari_medclf.ui import notify
from napari_medclf.ui.card_text import card_markdown
from napari_medclf.ui.layout import button, column, heading, note
from napari_medclf.ui.path_field import PathField
from napari_medclf.ui.shelf import Shelf


class ModelsPanel(QWidget):
    """The list of models, the card of the chosen one, install and remove."""

    def __init__(self, shelf: Shelf, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._shelf = shelf
        layout = column(self)
        layout.addWidget(heading("Models", self))
        self.list = QListWidget(self)
        self.list.setMaximumHeight(150)
        self.list.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.list.currentRowChanged.connect(lambda row: self._show_card())
        layout.addWidget(self.list)
        self.card = QTextBrowser(self)
        self.card.setOpenExternalLinks(True)
        self.card.setMinimumHeight(220)
        layout.addWidget(self.card, 1)
        self.problems = note("", self)
        layout.addWidget(self.problems)
        layout.addWidget(heading("Install a model package", self))
        row = QHBoxLayout()
        self.path = PathField(self, files=False)
        row.addWidget(self.path, 1)
        row.addWidget(button("Install", "Copy the package into your list of models", self._install, self))
        layout.addLayout(row)
        buttons = QHBoxLayout()
        self.remove = button("Remove", "Take the chosen model out of the list", self._remove, self)
        buttons.addWidget(self.remove)
        buttons.addWidget(button("Refresh", "Read the list anew", shelf.refresh_models, self))
        buttons.addStretch(1)
        layout.addLayout(buttons)
        shelf.models_changed.connect(self._show_models)
        self._show_models()

    @property
    def package(self) -> ModelPackage | None:
        """The model whose card is shown."""
        row = self.list.currentRow()
        packages = self._shelf.packages
        return packages[row] if 0 <= row < len(packages) else None

    def _show_models(self) -> None:
        wanted = self.list.currentItem().data(0) if self.list.currentItem() is not None else ""
        self.list.clear()
        self.list.addItems([package.name for package in self._shelf.packages])
        names = [package.name for package in self._shelf.packages]
        if names:
            self.list.setCurrentRow(names.index(wanted) if wanted in names else 0)
        self.problems.setText("\n".join(f"⚠ {problem}" for problem in self._shelf.model_problems))
        self.problems.setVisible(bool(self._shelf.model_problems))
        self._show_card()

    def _show_card(self) -> None:
        package = self.package
        self.card.setMarkdown("No model is installed yet." if package is None else card_markdown(package))
        self.remove.setEnabled(package is not None and not package.is_embedded)

    def _install(self) -> None:
        path = self.path.path()
        if path is None:
            notify.warn("Choose the folder of a model package first.")
            return
        self._shelf.lane.add(f"Installing {path.name}", lambda: _install(path), self._on_installed)

    def _remove(self) -> None:
        package = self.package
        if package is not None:
            name = package.name
            self._shelf.lane.add(f"Removing {name}", lambda: _remove(name), self._on_removed)

    def _on_installed(self, name: str) -> None:
        notify.tell(f"{name} is in the list of models now.")
        self._shelf.refresh_models()

    def _on_removed(self, name: str) -> None:
        notify.tell(f"{name} was removed from the list of models.")
        self._shelf.refresh_models()


def _install(path: Path) -> Job[Any]:
    from napari_medclf.jobs.install import install

    return (yield from install(str(path))).name


def _remove(name: str) -> Job[Any]:
    from napari_medclf.store.catalogue import Catalogue

    yield Progress(0, 0, f"removing {name}")
    Catalogue().remove(name)
    return name
