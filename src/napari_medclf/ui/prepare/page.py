"""Preview: what preprocessing and augmentation do, on the image that is shown."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QWidget

from napari_medclf.ui.layout import button, column, heading
from napari_medclf.ui.prepare.augment_view import AugmentView, Meaning
from napari_medclf.ui.prepare.steps_view import StepsView
from napari_medclf.ui.session import Session


class PreparePage(QWidget):
    """Steps that every image goes through, and random changes in training.

    Signals
    -------
    train_wanted : dict
        Options with which to train so.
    """

    train_wanted = Signal(object)

    def __init__(self, session: Session, meaning: Meaning, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        layout = column(self, margin=0)
        layout.setContentsMargins(0, 8, 0, 0)
        layout.addWidget(heading("Preprocessing: the same in training and in use", self))
        self.steps = StepsView(session, self)
        layout.addWidget(self.steps)
        layout.addWidget(heading("Augmentation: random, in training only", self))
        self.augment = AugmentView(session, meaning, self)
        layout.addWidget(self.augment)
        self.train = button("Train with these …", "Go to Train with these steps and changes", self._train, self)
        layout.addWidget(self.train)
        layout.addStretch(1)

    def options_to_train(self) -> dict[str, Any]:
        """Say with which options training does what is shown."""
        return {"step": tuple(step.text for step in self.steps.editor.steps), "set": self.augment.table.value}

    def _train(self) -> None:
        self.train_wanted.emit(self.options_to_train())
