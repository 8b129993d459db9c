"""Clicks, scribbles and boxes that the model, or a server, answers at once."""

from __future__ import annotations

from functools import partial

from qtpy.QtWidgets import QButtonGroup, QDoubleSpinBox, QHBoxLayout, QWidget

from napari_medclf.domain.geometry import Unit
from napari_medclf.ui import viewer_link
from napari_medclf.ui.correct.model_help import ModelHelp
from napari_medclf.ui.correct.prompt_mouse import PromptKind, PromptMouse
from napari_medclf.ui.correct.prompt_source import PromptSource
from napari_medclf.ui.layout import button, column, heading
from napari_medclf.ui.session import Session

_KINDS = (
    ("Click", PromptKind.CLICK, "Click on what belongs to the chosen class; with Shift on what is background"),
    ("Scribble", PromptKind.SCRIBBLE, "Draw a line over the chosen class; with Shift over background"),
    ("Box", PromptKind.BOX, "Draw a box around one object of the chosen class"),
)
_LARGEST_RADIUS, _RADIUS = 50.0, 1.0


class PromptRow(QWidget):
    """Chooses what the mouse says to the model; the class is the one that painting uses."""

    def __init__(self, session: Session, help_: ModelHelp, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.source = PromptSource(session, help_, self)
        self.mouse = PromptMouse(session, self.source.ask, lambda: self.radius.value(), self)
        layout = column(self, margin=0, spacing=4)
        layout.addWidget(heading("Ask   (Shift: not this)", self))
        layout.addLayout(self._row())
        layout.addWidget(self.source)
        self.mouse.chosen.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Show which kind is chosen; none can be without labels."""
        self.mouse.follow()
        labels = self._session.labels_layer
        info = None if labels is None else viewer_link.info_of(labels)
        for one in self.kinds.buttons():
            one.setEnabled(info is not None)
            one.setChecked(self.mouse.kind == one.property("kind"))
        if info is not None:
            self.radius.setSuffix(" mm" if info.geometry.unit is Unit.MILLIMETRE else " px")

    def drop(self) -> bool:
        """Give the mouse back, as when a tool is taken up; False where no prompt was chosen."""
        if self.mouse.kind is None:
            return False
        self.mouse.choose(None)
        return True

    def _row(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(4)
        self.kinds = QButtonGroup(self)
        self.kinds.setExclusive(False)  # one may be let go of
        for text, kind, tip in _KINDS:
            one = button(text, tip, partial(self._choose, kind), self)
            one.setCheckable(True)
            one.setProperty("kind", str(kind))
            self.kinds.addButton(one)
            row.addWidget(one, 1)
        self.radius = QDoubleSpinBox(self)
        self.radius.setRange(0.0, _LARGEST_RADIUS)
        self.radius.setSingleStep(0.5)
        self.radius.setValue(float(self._session.settings.get("correct", "prompt_radius", _RADIUS)))
        self.radius.setToolTip("How far around a click or a line its class surely reaches")
        self.radius.valueChanged.connect(lambda value: self._session.settings.set("correct", prompt_radius=value))
        row.addWidget(self.radius)
        return row

    def _choose(self, kind: PromptKind) -> None:
        self.mouse.choose(None if self.mouse.kind is kind else kind)
