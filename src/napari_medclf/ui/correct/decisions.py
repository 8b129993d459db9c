"""What a person decides about an image: accept, skip, flag."""

from __future__ import annotations

from qtpy.QtWidgets import QGridLayout, QWidget

from napari_medclf.domain.annotation import Status
from napari_medclf.ui.layout import button
from napari_medclf.ui.session import Session


class Decisions(QWidget):
    """The three buttons, with their keys; they stay in sight below everything else."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        grid = QGridLayout(self)
        grid.setContentsMargins(10, 6, 10, 6)
        grid.setSpacing(6)
        accept = session.accept
        self.accept = button("Accept and next   (N)", "Save labels and classes, open the next image", accept, self)
        self.skip = button("Skip   (Shift+N)", "Go on without an answer", lambda: accept(Status.SKIPPED), self)
        self.flag = button("Flag   (X)", "Mark for a second look, stay here", lambda: accept(Status.FLAGGED), self)
        grid.addWidget(self.accept, 0, 0, 1, 2)
        grid.addWidget(self.skip, 1, 0)
        grid.addWidget(self.flag, 1, 1)

    def refresh(self) -> None:
        """Offer them where there is an image to decide about."""
        has_image = self._session.image is not None
        for one in (self.accept, self.skip, self.flag):
            one.setEnabled(has_image)
