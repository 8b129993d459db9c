"""The models on this computer: their cards, verifying, trusting and removing them, and installing one from disk."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFormLayout, QHBoxLayout, QLineEdit, QListWidget, QTextBrowser, QWidget
from superqt import QCollapsible

from napari_medclf.domain.package import ModelPackage
from napari_medclf.store.trust import is_trusted
from napari_medclf.ui import model_tasks, notify
from napari_medclf.ui.card_text import card_markdown
from napari_medclf.ui.layout import button, column, folded, heading, note
from napari_medclf.ui.path_field import PathField
from napari_medclf.ui.shelf import Shelf
from napari_medclf.ui.trust_dialog import TrustDialog

_TRUST, _FORGET = "Trust…", "Take trust back"


class InstalledPage(QWidget):
    """The list of models, the card of the chosen one, and what can be done with it.

    Parameters
    ----------
    on_installed : callable
        Gets the package of a model that was installed.
    """

    def __init__(self, shelf: Shelf, on_installed: Callable[[ModelPackage], None], parent: QWidget) -> None:
        super().__init__(parent)
        self._shelf, self._on_installed = shelf, on_installed
        self._wanted = ""
        self.dialog: TrustDialog | None = None
        layout = column(self, margin=0)
        layout.setContentsMargins(0, 8, 0, 0)
        self.list = QListWidget(self)
        self.list.setMaximumHeight(150)
        self.list.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.list.currentRowChanged.connect(lambda row: self._show_card())
        layout.addWidget(self.list)
        self.card = QTextBrowser(self)
        self.card.setOpenExternalLinks(True)
        self.card.setMinimumHeight(220)
        layout.addWidget(self.card, 1)
        layout.addLayout(self._buttons())
        self.problems = note("", self)
        layout.addWidget(self.problems)
        layout.addWidget(heading("Install a model from this computer", self))
        row = QHBoxLayout()
        self.path = PathField(self)
        self.path.line.setPlaceholderText("drop a model's file, folder or zip here")
        row.addWidget(self.path, 1)
        row.addWidget(button("Install", "Copy the model into your list of models", self.install, self))
        layout.addLayout(row)
        layout.addWidget(self._more())
        shelf.models_changed.connect(self._show_models)
        self._show_models()

    @property
    def package(self) -> ModelPackage | None:
        """The model whose card is shown."""
        row = self.list.currentRow()
        packages = self._shelf.packages
        return packages[row] if 0 <= row < len(packages) else None

    def choose(self, name: str) -> None:
        """Show a model's card, as soon as it is in the list."""
        self._wanted = name
        self._show_models()

    def install(self) -> bool:
        """Install what the path field holds."""
        path = self.path.path()
        if path is None:
            notify.warn("Choose a model first: a file, a folder or a zip file.")
            return False
        card, name = self.card_file.path(), self.name.text().strip()
        return self._shelf.bar.start(
            f"Installing {path.name}", lambda: model_tasks.install(str(path), card, name), self._take_installed
        )

    def _take_installed(self, package: ModelPackage) -> None:
        self.path.set_path(None)
        self.card_file.set_path(None)
        self.name.clear()
        self._on_installed(package)

    def _buttons(self) -> QHBoxLayout:
        row = QHBoxLayout()
        self.verify = button("Verify", "Read all files of the chosen model and load it", self._verify, self)
        self.trust = button(_TRUST, "Look at the code that the model would run", self._ask_or_forget, self)
        self.remove = button("Remove", "Take the chosen model out of the list", self._remove, self)
        for made in (self.verify, self.trust, self.remove):
            row.addWidget(made)
        row.addStretch(1)
        row.addWidget(button("Refresh", "Read the list anew", self._shelf.refresh_models, self))
        return row

    def _more(self) -> QCollapsible:
        content = QWidget(self)
        rows = QFormLayout(content)
        rows.setContentsMargins(0, 0, 0, 0)
        self.card_file = PathField(content, folders=False)
        self.card_file.line.setPlaceholderText("none")
        self.card_file.setToolTip("JSON file that says what the model's own files do not: channels, classes, scaling")
        self.name = QLineEdit(content)
        self.name.setPlaceholderText("its own")
        rows.addRow("Card", self.card_file)
        rows.addRow("Name", self.name)
        return folded(content, self)

    def _show_models(self) -> None:
        current = self.list.currentItem()
        wanted = self._wanted or (current.data(0) if current is not None else "")
        names = [package.name for package in self._shelf.packages]
        self.list.blockSignals(True)
        self.list.clear()
        self.list.addItems(names)
        if wanted in names:
            self._wanted = ""
        if names:
            self.list.setCurrentRow(names.index(wanted) if wanted in names else 0)
        self.list.blockSignals(False)
        self.problems.setText("\n".join(f"⚠ {problem}" for problem in self._shelf.model_problems))
        self.problems.setVisible(bool(self._shelf.model_problems))
        self._show_card()

    def _show_card(self) -> None:
        package = self.package
        is_known = package is not None and package.trust is not None and is_trusted(package.trust)
        self.card.setMarkdown(
            "No model is installed yet." if package is None else card_markdown(package, is_trusted=is_known)
        )
        self.verify.setEnabled(package is not None)
        self.remove.setEnabled(package is not None and not package.is_embedded)
        self.trust.setEnabled(package is not None and package.trust is not None)
        self.trust.setText(_FORGET if is_known else _TRUST)

    def _verify(self) -> None:
        package = self.package
        if package is not None:
            name = package.name
            self._shelf.bar.start(f"Verifying {name}", lambda: model_tasks.verify(name), self._on_verified)

    def _ask_or_forget(self) -> None:
        package = self.package
        if package is None:
            return
        if self.trust.text() == _FORGET:
            self._shelf.lane.add("", lambda: model_tasks.forget(package), self._on_trust_changed)
        else:
            self._shelf.lane.add("", lambda: model_tasks.look_at(package), self._ask)

    def _ask(self, package: ModelPackage) -> None:
        if package.trust is None:
            notify.tell(f"{package.name} runs no code of its own.")
            return
        self.dialog = TrustDialog(package, lambda: self._trust(package), self.window(), then="Trust it")
        self.dialog.finished.connect(self._forget_dialog)
        self.dialog.open()

    def _trust(self, package: ModelPackage) -> None:
        self._shelf.lane.add("", lambda: model_tasks.trust(package), self._on_trust_changed)

    def _remove(self) -> None:
        package = self.package
        if package is not None:
            name = package.name
            self._shelf.lane.add(f"Removing {name}", lambda: model_tasks.remove(name), self._on_removed)

    def _on_verified(self, result: Any) -> None:
        for problem in result.problems:
            notify.complain(problem)
        for package in result.packages:
            notify.tell(f"{package.name} is whole.")

    def _on_trust_changed(self, name: str) -> None:
        self._show_card()

    def _on_removed(self, name: str) -> None:
        notify.tell(f"{name} was removed from the list of models.")
        self._shelf.refresh_models()

    def _forget_dialog(self, code: int) -> None:
        self.dialog = None
