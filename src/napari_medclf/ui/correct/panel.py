"""Correct: choose a class, paint or press its key, let the model help, accept, and go on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_medclf.domain.package import ModelPackage
from napari_medclf.ui.correct.by_hand import ByHand
from napari_medclf.ui.correct.classes import ClassList
from napari_medclf.ui.correct.decisions import Decisions
from napari_medclf.ui.correct.help_row import HelpRow
from napari_medclf.ui.correct.history_box import HistoryBox
from napari_medclf.ui.correct.kept_where import KeptWhere
from napari_medclf.ui.correct.lock_row import LockRow
from napari_medclf.ui.correct.model_help import ModelHelp
from napari_medclf.ui.correct.prompts import PromptRow
from napari_medclf.ui.correct.tools import ToolRow
from napari_medclf.ui.export import ExportRow
from napari_medclf.ui.layout import banner, column, folded, heading, note, scrolled
from napari_medclf.ui.objects.box import MarksBox
from napari_medclf.ui.session import Session


class CorrectPanel(QWidget):
    """Everything that is done with one image; the decisions about it stay in sight at the foot.

    Parameters
    ----------
    chosen : callable
        The model that is chosen in the Run tab.

    Attributes
    ----------
    places : dict of str to QVBoxLayout
        Where other parts of the window put their widgets, in the order of display: ``verdict``, ``tools``,
        ``prompts``, ``lock``, ``objects``. An empty place takes no room.
    """

    def __init__(
        self, session: Session, chosen: Callable[[], ModelPackage | None], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._session = session
        self.help = ModelHelp(session, chosen, self)
        self.places: dict[str, QVBoxLayout] = {}
        self._make_parts()
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(0)
        self._area = scrolled(self._content())
        outer.addWidget(self._area, 1)
        outer.addWidget(self.decisions)
        session.image_changed.connect(self.refresh)
        session.answer_changed.connect(self.refresh)
        session.painting.stroked.connect(lambda layer, stroke: self._show_subject())
        session.painting.joined.connect(lambda layer, voxels: self._show_subject())
        session.painting.problem_changed.connect(self._show_trouble)
        self.refresh()

    def refresh(self) -> None:
        """Show what is meant now, and what was done with it."""
        self._show_subject()
        self.classes.refresh()
        self.by_hand.setVisible(self._session.labels_layer is None)
        self.tools.refresh()
        self.help_row.refresh()
        self.prompts.refresh()
        self.prompts.setVisible(self.help_row.isVisibleTo(self))
        self.lock.refresh()
        self.history.follow()
        self.decisions.refresh()

    def scroll_to_top(self) -> None:
        """Show what stands first, such as a verdict that has just come."""
        self._area.verticalScrollBar().setValue(0)

    def drop(self) -> bool:
        """Put away the tool or the prompt that the mouse holds; False where it holds none."""
        return self.prompts.drop() or self.tools.drop()

    def close_down(self) -> None:
        """Take our helping layers away, and let go of the viewer."""
        self.help.close_down()
        self.prompts.source.server.close_down()
        self.drop()
        self.lock.remove()
        self.history.drop()
        self.tools.mouse.close_down()

    def _show_subject(self) -> None:
        session = self._session
        image = session.image
        self.subject.setText(
            "No image in the viewer." if image is None else _subject(image.name, session.labels_layer, session)
        )

    def _show_trouble(self, problem: str) -> None:
        self.trouble.setText(f"Your painting is only in memory. {problem}" if problem else "")
        self.trouble.setVisible(bool(problem))

    def _make_parts(self) -> None:
        session = self._session
        self.subject = note("", self)
        self.trouble = banner("", self)
        self.classes = ClassList(session, self)
        self.tools = ToolRow(session, self)
        self.help_row = HelpRow(session, self.help, self)
        self.prompts = PromptRow(session, self.help, self)
        self.prompts.kinds.buttonPressed.connect(lambda one: self.tools.drop())
        for group in (self.tools.group, self.tools.tools):
            group.buttonPressed.connect(lambda one: self.prompts.drop())
        self.lock = LockRow(session, self)
        self.marks = MarksBox(session, self)
        self.by_hand = ByHand(session, self)
        self.export = ExportRow(session, self)
        self.history = HistoryBox(session, self)
        self.kept = KeptWhere(session, self)
        self.decisions = Decisions(session, self)

    def _content(self) -> QWidget:
        content = QWidget()
        layout = column(content)
        self._place("verdict", layout)
        layout.addWidget(self.subject)
        layout.addWidget(self.trouble)
        layout.addWidget(heading("Classes   (keys 1 to 9)", self))
        layout.addWidget(self.classes)
        layout.addWidget(self.by_hand)
        self._place("tools", layout).addWidget(self.tools)
        for name in ("prompts", "lock", "objects"):
            self._place(name, layout)
        self.places["prompts"].addWidget(self.help_row)
        self.places["prompts"].addWidget(self.prompts)
        self.places["lock"].addWidget(self.lock)
        self.places["objects"].addWidget(self.marks)
        parts = (
            ("History", self.history),
            ("Save as a file", self.export),
            ("Where answers are kept", self.kept),
        )
        for title, part in parts:
            layout.addWidget(folded(part, self, title))
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
        return f"{name}: labels{_painted(labels, session)}"
    if session.boxes_layer is not None:
        return f"{name}: boxes. Edit them with napari's own tools, and save them below"
    if session.answer is not None:
        return f"{name}: image-level classes"
    return f"{name}: nothing to correct yet"


def _painted(labels: Any, session: Session) -> str:
    """Say how much was painted, and whether it is safe."""
    state = session.painting.state(labels)
    if state is None or not state.is_dirty:
        return ""
    safe = "only in memory" if state.problem else "on the disk"
    strokes = f"{state.n_strokes} stroke{'s' if state.n_strokes != 1 else ''} {safe}" if state.n_strokes else safe
    return f" (painted, {strokes}, not accepted yet)"
