"""Where a person asks the model for help with what is being corrected."""

from __future__ import annotations

from qtpy.QtWidgets import QCheckBox, QHBoxLayout, QWidget

from napari_medclf.ui.correct.model_help import ModelHelp
from napari_medclf.ui.layout import button, column, heading, note
from napari_medclf.ui.session import Session


class HelpRow(QWidget):
    """The button behind ``R``, and the choice to be helped after each stroke."""

    def __init__(self, session: Session, help_: ModelHelp, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session, self._help = session, help_
        layout = column(self, margin=0, spacing=6)
        layout.addWidget(heading("Help of the model", self))
        row = QHBoxLayout()
        self.ask = button(
            "Re-run here   (R)",
            "The model learns from all your strokes on this image, and answers again around the last one; "
            "what you painted stays",
            help_.here,
            self,
        )
        self.live = QCheckBox("after each stroke", self)
        self.live.setToolTip("Ask the model again whenever you painted something")
        self.live.toggled.connect(self._on_live)
        row.addWidget(self.ask, 1)
        row.addWidget(self.live)
        layout.addLayout(row)
        self.message = note("", self)
        self.message.hide()
        layout.addWidget(self.message)
        help_.told.connect(self._show)

    def refresh(self) -> None:
        """Offer help where there are labels to correct."""
        self.setVisible(self._session.painting.state(self._session.labels_layer) is not None)

    def _on_live(self, is_live: bool) -> None:
        self._help.is_live = is_live

    def _show(self, message: str) -> None:
        if message:
            self.message.setText(message)
        self.message.setVisible(bool(self.message.text()))
        self.live.setChecked(self._help.is_live)
