"""Models: what is on this computer, what can be downloaded, and bringing one here."""

from __future__ import annotations

from qtpy.QtGui import QDragEnterEvent, QDropEvent
from qtpy.QtWidgets import QTabWidget, QWidget

from napari_medclf.domain.package import ModelPackage
from napari_medclf.ui import notify
from napari_medclf.ui.layout import column
from napari_medclf.ui.panels.installed import InstalledPage
from napari_medclf.ui.panels.online import OnlinePage
from napari_medclf.ui.shelf import Shelf


class ModelsPanel(QWidget):
    """Two pages: the models that are here, and those that can be downloaded."""

    def __init__(self, shelf: Shelf, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._shelf = shelf
        layout = column(self)
        self.pages = QTabWidget(self)
        self.pages.setDocumentMode(True)
        self.pages.tabBar().setDrawBase(False)
        self.installed = InstalledPage(shelf, self._on_installed, self)
        self.online = OnlinePage(shelf, self._on_installed, self)
        self.pages.addTab(self.installed, "On this computer")
        self.pages.addTab(self.online, "To download")
        layout.addWidget(self.pages, 1)
        self.setAcceptDrops(True)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Take a model's file, folder or zip file anywhere on the panel."""
        self.installed.path.dragEnterEvent(event)

    def dropEvent(self, event: QDropEvent) -> None:
        """Install what was dropped."""
        self.pages.setCurrentWidget(self.installed)
        self.installed.path.dropEvent(event)
        self.installed.install()

    def _on_installed(self, package: ModelPackage) -> None:
        code = " It would run code of its own: look at it with Trust." if package.trust is not None else ""
        notify.tell(f"{package.name} is in the list of models now.{code}")
        self.installed.choose(package.name)
        self.pages.setCurrentWidget(self.installed)
        self._shelf.refresh_models()
