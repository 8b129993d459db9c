"""``Plugins > MedCLF > Batch``: the Batch panel in a dock of its own, beside or without the workbench."""

from __future__ import annotations

from qtpy.QtCore import QTimer
from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_medclf.store.catalogue import default_user_folder
from napari_medclf.ui.batch.panel import BatchPanel
from napari_medclf.ui.job_bar import JobBar
from napari_medclf.ui.layout import scrolled
from napari_medclf.ui.shelf import Shelf

_MIN_WIDTH_PX = 400


class BatchDock(QWidget):
    """Runs a model over a folder, with a job bar of its own; touches no layer."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("medclf-batch")
        self.setMinimumWidth(_MIN_WIDTH_PX)
        self.bar = JobBar(self)
        self.shelf = Shelf(self.bar, default_user_folder(), self)
        self.panel = BatchPanel(self.shelf, self)
        self._was_shown = False
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(scrolled(self.panel), 1)
        layout.addWidget(self.bar)

    def showEvent(self, event: QShowEvent) -> None:
        """List the models once the dock is on the screen."""
        super().showEvent(event)
        if not self._was_shown:
            self._was_shown = True
            QTimer.singleShot(0, self.shelf.refresh_models)
