"""``Plugins > MedCLF > Batch``: the Batch panel in a dock of its own, beside or without the workbench."""

from __future__ import annotations

from napari import Viewer
from qtpy.QtCore import QTimer
from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import QApplication, QVBoxLayout, QWidget

from napari_medclf.store.catalogue import default_user_folder
from napari_medclf.ui.batch.panel import BatchPanel
from napari_medclf.ui.job_bar import JobBar
from napari_medclf.ui.session import Session
from napari_medclf.ui.shelf import Shelf

_MIN_WIDTH_PX = 400


class BatchDock(QWidget):
    """Runs a model over a folder, with a job bar of its own; its cases are opened in the workbench.

    Parameters
    ----------
    napari_viewer : napari.Viewer
        napari gives it.
    """

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__()
        self.setObjectName("medclf-batch")
        self.setMinimumWidth(_MIN_WIDTH_PX)
        self._viewer = napari_viewer
        self.bar = JobBar(self)
        self.shelf = Shelf(self.bar, default_user_folder(), self)
        self.panel = BatchPanel(self.shelf, self._session, self)
        self._was_shown = False
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.panel, 1)
        layout.addWidget(self.bar)
        QApplication.instance().aboutToQuit.connect(self.close_down)

    def showEvent(self, event: QShowEvent) -> None:
        """List the models once the dock is on the screen."""
        super().showEvent(event)
        if not self._was_shown:
            self._was_shown = True
            QTimer.singleShot(0, self.shelf.refresh_models)

    def close_down(self) -> None:
        """Stop what runs and what is read; may be called again."""
        self.panel.close_down()
        self.shelf.close_down()

    def _session(self) -> Session:
        """The workbench's, which is opened where it is not yet."""
        _, workbench = self._viewer.window.add_plugin_dock_widget("napari-medclf", "Workbench")
        session: Session = workbench.session
        return session
