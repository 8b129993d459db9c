"""Correct: choose a class, paint or press its key, let the model help, accept, and go on."""

from __future__ import annotations

from typing import Any

from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_medclf.ui.correct.by_hand import ByHand
from napari_medclf.ui.correct.classes import ClassList
from napari_medclf.ui.correct.decisions import Decisions
from napari_medclf.ui.correct.kept_where import KeptWhere
from napari_medclf.ui.correct.lock_row import LockRow
from napari_medclf.ui.correct.tools import ToolRow
from napari_medclf.ui.export import ExportRow
from napari_medclf.ui.layout import column, heading, note, scrolled
from napari_medclf.ui.session import Session


class CorrectPanel(QWidget):
    """Everything that is done with one image; the decisions about it stay in sight at the foot.

    Attributes
    ----------
    places : dict of str to QVBoxLayout
        Where other parts of the window put their widgets, in the order of display: ``tools``, ``prompts``,
        ``lock``, ``objects``, ``verdict``. An empty place takes no room.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.places: dict[str, QVBoxLayout] = {}
        self._make_parts()
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(0)
        outer.addWidget(scrolled(self._content()), 1)
        outer.addWidget(self.decisions)
        session.image_changed.connect(self.refresh)
        session.answer_changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Show what is meant now, and what was done with it."""
        session = self._session
        image = session.image
        self.subject.setText(
            "No image in the viewer." if image is None else _subject(image.name, session.labels_layer, session)
        )
        self.classes.refresh()
        self.tools.refresh()
        self.lock.refresh()
        self.decisions.refresh()

    def _make_parts(self) -> None:
        session = self._session
        self.subject = note("", self)
        self.classes = ClassList(session, self)
        self.tools = ToolRow(session, self)
        self.lock = LockRow(session, self)
        self.by_hand = ByHand(session, self)
        self.export = ExportRow(session, self)
        self.kept = KeptWhere(session, self)
        self.decisions = Decisions(session, self)

    def _content(self) -> QWidget:
        content = QWidget()
        layout = column(content)
        layout.addWidget(self.subject)
        layout.addWidget(heading("Classes   (keys 1 to 9)", self))
        layout.addWidget(self.classes)
        self._place("tools", layout).addWidget(self.tools)
        for name in ("prompts", "lock", "objects", "verdict"):
            self._place(name, layout)
        self.places["lock"].addWidget(self.lock)
        for title, part in (
            ("Labels by hand", self.by_hand),
            ("Save as a file", self.export),
            ("Saved in the project", self.kept),
        ):
            layout.addWidget(heading(title, self))
            layout.addWidget(part)
        layout.addStretch(1)
        return content

    def _place(self, name: str, layout: QVBoxLayout) -> QVBoxLayout:
        place = QVBoxLayout()
        place.setSpacing(6)
        layout.addLayout(place)
        self.places[name] = place
        return place


def _subject(name: str, labels: Any, session: Session) -> str:
    if labels is not None:
        painted = " (painted, not accepted yet)" if session.painting.is_dirty(labels) else ""
        return f"{name}: labels{painted}"
    if session.boxes_layer is not None:
        return f"{name}: boxes. Edit them with napari's own tools, and save them below"
    if session.answer is not None:
        return f"{name}: image-level classes"
    return f"{name}: nothing to correct yet"
