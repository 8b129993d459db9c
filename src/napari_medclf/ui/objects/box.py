"""The part of the Correct tab where slices, images, studies and objects get classes."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QCheckBox, QComboBox, QGridLayout, QLabel, QLineEdit, QListWidget, QListWidgetItem, QWidget

from napari_medclf.domain.mark import Mark
from napari_medclf.domain.results import Scope
from napari_medclf.ui import notify
from napari_medclf.ui.correct.classes import swatch
from napari_medclf.ui.layout import button, column, heading, note
from napari_medclf.ui.objects.marking import KeysAbout, Marking
from napari_medclf.ui.objects.recolouring import Recolouring
from napari_medclf.ui.session import Session

_ABOUT = {
    KeysAbout.PAINTING: "the class to paint with",
    KeysAbout.OBJECT: "the object under the mouse",
    KeysAbout.SLICE: "the slice that is shown",
    KeysAbout.IMAGE: "the image",
    KeysAbout.STUDY: "the study",
}
_MODELS = {"linear": "few examples: linear", "forest": "many examples: forest"}


class MarksBox(QWidget):
    """What the digits are about, which classes they stand for, and what was said."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.marking = Marking(session, self)
        self.recolouring = Recolouring(session, self.marking, self)
        layout = column(self, margin=0)
        layout.addWidget(heading("Classes of objects, slices and images", self))
        layout.addLayout(self._choices())
        self.said = QListWidget(self)
        self.said.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.said.setMaximumHeight(110)
        layout.addWidget(self.said)
        self.objects = note("", self)
        layout.addWidget(self.objects)
        layout.addLayout(self._object_row())
        self.marking.changed.connect(self.refresh)
        self.recolouring.changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Show what the keys are about and what was said so far."""
        marking = self.marking
        self.about.setCurrentIndex(list(_ABOUT).index(marking.about))
        is_marking = marking.about is not KeysAbout.PAINTING
        is_object = marking.about is KeysAbout.OBJECT
        for widget in (self.names, self.several, self.unsure, self.withdraw, self.comment, self.said):
            widget.setVisible(is_marking)
        for widget in (self.objects, self.next_object, self.model, self.names_label, self.comment_label):
            widget.setVisible(is_object if widget not in (self.names_label, self.comment_label) else is_marking)
        self._show_said(marking.marks)
        self._show_objects()

    def focus_comment(self) -> bool:
        """Put the cursor into the comment; False while the keys are for painting."""
        if self.marking.about is KeysAbout.PAINTING:
            return False
        self.comment.setFocus()
        return True

    def _choices(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setColumnStretch(1, 1)
        self.about = QComboBox(self)
        for about, text in _ABOUT.items():
            self.about.addItem(text, about)
        self.about.setToolTip("What the keys 1 to 9 say the class of")
        self.about.activated.connect(self._on_about)
        self.names = QLineEdit(", ".join(self.marking.classes), self)
        self.names.setPlaceholderText("tumour, lymphocyte, other")
        self.names.setToolTip("Names of the classes for the keys 1, 2, 3 ..., separated by commas")
        self.names.editingFinished.connect(self._on_names)
        self.several = QCheckBox("Several classes at once", self)
        self.several.setChecked(self.marking.allows_several)
        self.several.toggled.connect(self.marking.allow_several)
        self.unsure = button("Unsure   (U)", "Keep it, but learn nothing from it", self.marking.unsure, self)
        self.withdraw = button("Take back", "Take back what was said last", self.marking.withdraw, self)
        self.comment = QLineEdit(self)
        self.comment.setPlaceholderText("Enter keeps it; name nobody here")
        self.comment.returnPressed.connect(self._on_comment)
        self.names_label, self.comment_label = QLabel("Classes", self), QLabel("Comment   (C)", self)
        grid.addWidget(QLabel("Keys 1 to 9", self), 0, 0)
        grid.addWidget(self.about, 0, 1, 1, 2)
        grid.addWidget(self.names_label, 1, 0)
        grid.addWidget(self.names, 1, 1, 1, 2)
        grid.addWidget(self.several, 2, 1, 1, 2)
        grid.addWidget(self.unsure, 3, 1)
        grid.addWidget(self.withdraw, 3, 2)
        grid.addWidget(self.comment_label, 4, 0)
        grid.addWidget(self.comment, 4, 1, 1, 2)
        return grid

    def _object_row(self) -> QGridLayout:
        row = QGridLayout()
        self.next_object = button(
            "Show the least sure object", "Go to the object that teaches most", self._on_next_object, self
        )
        self.model = QComboBox(self)
        for name, text in _MODELS.items():
            self.model.addItem(text, name)
        self.model.activated.connect(self._on_model)
        row.addWidget(self.next_object, 0, 0)
        row.addWidget(self.model, 0, 1)
        return row

    def _on_about(self, index: int) -> None:
        self.marking.about = self.about.itemData(index)

    def _on_names(self) -> None:
        names = tuple(dict.fromkeys(name.strip() for name in self.names.text().split(",") if name.strip()))
        if names != self.marking.classes:
            self.marking.offer(names)

    def _on_comment(self) -> None:
        self.marking.comment(self.comment.text().strip())
        self.comment.clear()

    def _on_model(self, index: int) -> None:
        self.recolouring.model = self.model.itemData(index)
        self.recolouring.learn()

    def _on_next_object(self) -> None:
        if self.recolouring.show_unsure() is None:
            notify.warn("Name at least one object of two classes each first.")

    def _show_said(self, marks: tuple[Mark, ...]) -> None:
        self.said.clear()
        names = self.marking.classes
        for number, name in enumerate(names, start=1):
            n_said = sum(name in mark.classes for mark in marks)
            self.said.addItem(QListWidgetItem(swatch(_colour(number)), f"{number}   {name}   {n_said or ''}"))
        for mark in reversed(marks):
            self.said.addItem(f"      {_line(mark)}")
        if not names:
            self.said.addItem("Name the classes above, then press 1, 2, 3 ...")

    def _show_objects(self) -> None:
        answer = self.recolouring.answer
        if answer is None:
            n_said = len(self.recolouring.said)
            self.objects.setText(
                f"{n_said} objects named. Point at an object and press its class; "
                "all are coloured once two classes were shown."
            )
            return
        counts = ", ".join(f"{n} {name}" for name, n in answer.counts().items())
        self.objects.setText(
            f"{counts}. {int(answer.is_unsure.sum())} unsure, {int(answer.is_shown.sum())} named by you."
        )


def _colour(number: int) -> str:
    from napari_medclf.domain.labels import LabelSchema

    return LabelSchema.from_names([str(one) for one in range(number)], first_value=1).classes[-1].colour


def _line(mark: Mark) -> str:
    where = {
        Scope.SLICE: f"slice {'kji'[mark.axis or 0]} = {mark.index}",
        Scope.OBJECT: f"object {mark.index}",
    }.get(mark.scope, str(mark.scope))
    said = ", ".join(mark.classes) or ("" if mark.is_unsure else "none of them")
    return "   ".join(part for part in (where, said, "unsure" * mark.is_unsure, mark.comment) if part)
