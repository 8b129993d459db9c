"""Preview: what preprocessing and augmentation do, on the image that is shown."""

from __future__ import annotations

from qtpy.QtWidgets import QWidget

from napari_medclf.ui.layout import column, heading
from napari_medclf.ui.prepare.steps_view import StepsView
from napari_medclf.ui.session import Session


class PreparePage(QWidget):
    """Steps that every image goes through, and random changes in training."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        layout = column(self, margin=0)
        layout.setContentsMargins(0, 8, 0, 0)
        layout.addWidget(heading("Preprocessing: the same in training and in use", self))
        self.steps = StepsView(session, self)
        layout.addWidget(self.steps)
        layout.addStretch(1)
