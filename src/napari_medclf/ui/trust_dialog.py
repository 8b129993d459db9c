"""Ask a person whether a model's own code may run, showing all of it."""

from __future__ import annotations

from collections.abc import Callable

from qtpy.QtCore import Qt
from qtpy.QtGui import QFontDatabase
from qtpy.QtWidgets import QDialog, QDialogButtonBox, QPlainTextEdit, QPushButton, QVBoxLayout, QWidget

from napari_medclf.domain.package import ModelPackage
from napari_medclf.ui.layout import heading, note


class TrustDialog(QDialog):
    """Shows the very text that would run; nothing runs unless the person presses Trust.

    Parameters
    ----------
    package : ModelPackage
        With its `trust`.
    on_trust : callable
        Called when the person trusts it.
    then : str
        What the button says that trusts it.
    """

    def __init__(
        self,
        package: ModelPackage,
        on_trust: Callable[[], object],
        parent: QWidget | None = None,
        then: str = "Trust and run it",
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(f"Trust {package.name}?")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.resize(640, 480)
        self.package = package
        layout = QVBoxLayout(self)
        layout.addWidget(heading(f"{package.card.title} would run code of its own", self))
        layout.addWidget(note(_explanation(package), self))
        self.code = QPlainTextEdit("\n".join(() if package.trust is None else package.trust.what), self)
        self.code.setReadOnly(True)
        self.code.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.code.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        layout.addWidget(self.code, 1)
        self.trust = QPushButton(then, self)
        self.refuse = QPushButton("Do not trust it", self)
        self.refuse.setDefault(True)
        buttons = QDialogButtonBox(self)
        buttons.addButton(self.trust, QDialogButtonBox.ButtonRole.AcceptRole)
        buttons.addButton(self.refuse, QDialogButtonBox.ButtonRole.RejectRole)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        layout.addWidget(buttons)
        self.accepted.connect(lambda: on_trust())


def _explanation(package: ModelPackage) -> str:
    """Say what trusting means, and whose model it is.

    The answer holds for exactly this content: a file that changes is asked for again.
    """
    card = package.card
    author = f"By {card.author}. " if card.author else ""
    return (
        f"{package.name} {card.version}, in {package.folder}. {author}Licence: {card.licence}.\n\n"
        "This program cannot check what the code below does. It may read and change your files. Trust it only if you "
        "trust whoever made it. Your answer is kept for exactly this code; if the files change, you are asked again."
    )
