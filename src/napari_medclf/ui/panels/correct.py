"""Correct: choose a class, paint or press its key, accept, and go on to the next image."""

from __future__ import annotations

from functools import partial
from typing import Any

from qtpy.QtCore import QSize, Qt
from qtpy.QtGui import QColor, QIcon, QPixmap
from qtpy.QtWidgets import QButtonGroup, QGridLayout, QHBoxLayout, QLineEdit, QListWidget, QListWidgetItem, QWidget

from napari_medclf.domain.annotation import Status
from napari_medclf.domain.errors import MedclfError
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.ui import notify
from napari_medclf.ui.export import ExportRow
from napari_medclf.ui.layout import button, column, heading, note
from napari_medclf.ui.path_field import PathField
from napari_medclf.ui.session import Session

_TOOLS = (("Paint", "paint"), ("Erase", "erase"), ("Fill", "fill"), ("Pick", "pick"), ("Move", "pan_zoom"))


class CorrectPanel(QWidget):
    """The classes with their keys, the tools, and the decisions about an image."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        layout = column(self)
        self.subject = note("", self)
        layout.addWidget(self.subject)
        layout.addWidget(heading("Classes   (keys 1 to 9)", self))
        self.classes = QListWidget(self)
        self.classes.setIconSize(QSize(14, 14))
        self.classes.setMaximumHeight(210)
        self.classes.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.classes.itemClicked.connect(lambda item: session.press_class(self.classes.row(item) + 1))
        layout.addWidget(self.classes, 1)
        layout.addLayout(self._tool_row())
        layout.addWidget(heading("Decision", self))
        layout.addLayout(self._decision_grid())
        layout.addWidget(heading("Labels by hand", self))
        layout.addLayout(self._by_hand_row())
        layout.addWidget(heading("Save as a file", self))
        self.export = ExportRow(session, self)
        layout.addWidget(self.export)
        layout.addWidget(heading("Saved in the project", self))
        self.project = PathField(self, files=False)
        self.project.line.textChanged.connect(self._on_project)
        self.project.line.setPlaceholderText("automatic: one project a model")
        self.project.set_path(session.settings.get("correct", "project"))
        layout.addWidget(self.project)
        self.author = QLineEdit(self)
        self.author.setPlaceholderText("author: the user of this computer")
        self.author.setToolTip("Written into every saved answer; a pseudonym is fine")
        self.author.textChanged.connect(self._on_author)
        self.author.setText(str(session.settings.get("correct", "author", "")))
        layout.addWidget(self.author)
        layout.addStretch(1)
        session.work_changed.connect(self._show_project)
        session.image_changed.connect(self._show)
        session.answer_changed.connect(self._show)
        self._show()

    def _tool_row(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(4)
        self._tools = QButtonGroup(self)
        for text, mode in _TOOLS:
            tool = button(text, f"{text} on the labels layer", partial(self._set_mode, mode), self)
            tool.setCheckable(True)
            tool.setProperty("mode", mode)
            tool.setMinimumWidth(40)
            self._tools.addButton(tool)
            row.addWidget(tool, 1)
        return row

    def _decision_grid(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setSpacing(6)
        accept = self._session.accept
        self.accept = button("Accept and next   (N)", "Save labels and classes, open the next image", accept, self)
        self.skip = button("Skip   (Shift+N)", "Go on without an answer", lambda: accept(Status.SKIPPED), self)
        self.flag = button("Flag   (X)", "Mark for a second look, stay here", lambda: accept(Status.FLAGGED), self)
        grid.addWidget(self.accept, 0, 0, 1, 2)
        grid.addWidget(self.skip, 1, 0)
        grid.addWidget(self.flag, 1, 1)
        return grid

    def _by_hand_row(self) -> QHBoxLayout:
        row = QHBoxLayout()
        self.names = QLineEdit(self)
        self.names.setPlaceholderText("class names, separated by commas")
        self.names.setText(str(self._session.settings.get("correct", "names", "")))
        row.addWidget(self.names, 1)
        row.addWidget(button("New labels", "Add an empty labels layer with these classes", self._begin_labels, self))
        return row

    def _begin_labels(self) -> None:
        names = [name.strip() for name in self.names.text().split(",") if name.strip()]
        if not names:
            notify.warn("Name the classes first, such as: liver, spleen.")
            return
        try:
            schema = LabelSchema.from_names(names, first_value=1)
        except (MedclfError, ValueError):
            notify.complain("Each class name may stand once.")
            return
        self._session.settings.set("correct", names=", ".join(names))
        self._session.begin_labels(schema)

    def _set_mode(self, mode: str) -> None:
        layer = self._session.labels_layer
        if layer is None:
            notify.warn("There are no labels to paint on yet: run a model, or make new labels below.")
            return
        self._session.viewer.layers.selection.active = layer
        layer.mode = mode

    def _on_project(self, text: str) -> None:
        self._session.project = self.project.path()
        self._session.settings.set("correct", project=text)

    def _on_author(self, text: str) -> None:
        self._session.author = text.strip()
        self._session.settings.set("correct", author=text.strip())

    def _show_project(self) -> None:
        if self._session.project != self.project.path():
            self.project.set_path(self._session.project)

    def _show(self) -> None:
        session = self._session
        image, schema, labels = session.image, session.schema, session.labels_layer
        self.subject.setText("No image in the viewer." if image is None else _subject(image.name, labels, session))
        self._show_classes(schema, labels)
        for tool in self._tools.buttons():
            tool.setEnabled(labels is not None)
            tool.setChecked(labels is not None and str(labels.mode) == tool.property("mode"))
        for decision in (self.accept, self.skip, self.flag):
            decision.setEnabled(image is not None)

    def _show_classes(self, schema: LabelSchema | None, labels: Any) -> None:
        self.classes.clear()
        if schema is None:
            has_boxes = self._session.boxes_layer is not None
            item = QListWidgetItem("No labels." if has_boxes else "Run a model, or make new labels below.")
            item.setFlags(Qt.ItemFlag.NoItemFlags)
            self.classes.addItem(item)
            return
        person = self._session.person_classes or ()
        for number, one in enumerate(schema.foreground if labels is not None else schema.classes, start=1):
            is_chosen = labels.selected_label == one.value if labels is not None else one.name in person
            item = QListWidgetItem(_swatch(one.colour), f"{number if number < 10 else ' '}   {one.name}")
            self.classes.addItem(item)
            if is_chosen:
                item.setText(f"{item.text()}   ●")
                self.classes.setCurrentItem(item)


def _subject(name: str, labels: Any, session: Session) -> str:
    if labels is not None:
        painted = " (painted, not accepted yet)" if session.autosave.is_dirty(labels) else ""
        return f"{name}: labels{painted}"
    if session.boxes_layer is not None:
        return f"{name}: boxes. Edit them with napari's own tools, and save them below"
    if session.answer is not None:
        return f"{name}: image-level classes"
    return f"{name}: nothing to correct yet"


def _swatch(colour: str) -> QIcon:
    pixmap = QPixmap(14, 14)
    pixmap.fill(QColor(colour))
    icon = QIcon(pixmap)
    icon.addPixmap(pixmap, QIcon.Mode.Selected)  # else Qt tints it in the colour of the selection
    return icon
