"""What the keys 1 to 9 are about, and what was said about it so far."""

from __future__ import annotations

import uuid
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from qtpy.QtCore import QObject, Signal

from napari_medclf.domain.errors import MedclfError
from napari_medclf.domain.image import MedImage
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.mark import Mark
from napari_medclf.domain.results import Scope
from napari_medclf.store.authorship import current_author, now_utc
from napari_medclf.ui import notify, viewer_link
from napari_medclf.ui.session import Session


class KeysAbout(StrEnum):
    """What a digit says something about."""

    PAINTING = "painting"
    """The class that is painted with, or the class of an image that a model classified."""
    SLICE = "slice"
    IMAGE = "image"
    STUDY = "study"
    OBJECT = "object"


class Marking(QObject):
    """Turns keys into marks, and keeps them: in the journal before it returns, in the project a moment later.

    Signals
    -------
    changed
        Other marks hold, other classes are offered, or the keys are about something else.
    object_said : (int, str)
        An object of the labels got a class; empty where it was taken back or is unsure.
    """

    changed = Signal()
    object_said = Signal(int, str)

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._about = KeysAbout.PAINTING
        self._marks: dict[tuple[Scope, int | None, int | None], Mark] = {}
        self._last: Mark | None = None
        self._writer_id = f"marks-{uuid.uuid4().hex[:12]}"
        self._image: MedImage | None = None
        names = str(session.settings.get("marks", "classes", ""))
        self.classes: tuple[str, ...] = tuple(name for name in names.split("\n") if name)
        self.allows_several = bool(session.settings.get("marks", "several", False))
        session.image_changed.connect(self._on_image)
        self._on_image()

    @property
    def about(self) -> KeysAbout:
        """What the keys are about."""
        return self._about

    @about.setter
    def about(self, about: KeysAbout) -> None:
        self._about = about
        self.changed.emit()

    @property
    def marks(self) -> tuple[Mark, ...]:
        """What this author says about the image on the screen, oldest first."""
        return tuple(self._marks.values())

    @property
    def author(self) -> str:
        """Who says it."""
        return self._session.author or current_author()

    def offer(self, classes: tuple[str, ...]) -> None:
        """Name the classes that the keys 1 to 9 stand for."""
        self.classes = classes
        self._session.settings.set("marks", classes="\n".join(classes))
        self.changed.emit()

    def allow_several(self, is_allowed: bool) -> None:
        """Let one thing have several classes: a second one does not replace the first."""
        self.allows_several = is_allowed
        self._session.settings.set("marks", several=is_allowed)

    def press(self, number: int) -> bool:
        """Say the class of a digit about what is meant; False while the keys are for painting."""
        if self.about is KeysAbout.PAINTING:
            return False
        if number > len(self.classes):
            notify.warn(f"There is no class {number}. Name the classes in the Correct tab, under Classes of objects.")
            return True
        before = self._meant()
        if before is None:
            return True
        name = self.classes[number - 1]
        if not self.allows_several:
            said: tuple[str, ...] = (name,)
        elif name in before.classes:
            said = tuple(one for one in before.classes if one != name)
        else:
            said = (*before.classes, name)
        self._say(before.model_copy(update={"classes": said, "is_unsure": False, "is_withdrawn": False}))
        return True

    def unsure(self) -> bool:
        """Say that it is not sure; False while the keys are for painting."""
        before = None if self.about is KeysAbout.PAINTING else self._meant()
        if before is None:
            return False
        self._say(before.model_copy(update={"is_unsure": not before.is_unsure, "is_withdrawn": False}))
        return True

    def withdraw(self) -> bool:
        """Take back what was said last."""
        if self._last is None or self._last.thing not in self._marks:
            return False
        self._say(self._last.model_copy(update={"is_withdrawn": True}))
        return True

    def comment(self, text: str) -> None:
        """Add a remark to what was said last about the image."""
        if self._last is not None:
            self._say(self._last.model_copy(update={"comment": text}))
        elif (before := self._meant(Scope.IMAGE)) is not None:
            self._say(before.model_copy(update={"comment": text}))

    def _meant(self, scope: Scope | None = None) -> Mark | None:
        """The mark about what is looked at, as it was said before; None, with a word why, where nothing is meant."""
        layer, image = self._session.image_layer, self._session.image
        if layer is None or image is None:
            notify.warn("Open an image first.")
            return None
        scope = scope or Scope(self.about.value)
        axis = index = place = None
        if scope is Scope.SLICE:
            seen = viewer_link.visible_slice(self._session.viewer, layer)
            if seen is None:
                notify.warn("A slice can be meant in 2D and in volumes only.")
                return None
            axis, index = seen
        elif scope is Scope.OBJECT:
            index = self._object_under_cursor()
            if index is None:
                return None
            place = self._centre_mm(index)
        empty = Mark(
            case_id="", scope=scope, axis=axis, index=index, place_mm=place, author=self.author, created=now_utc()
        )
        return self._marks.get(empty.thing, empty)

    def _object_under_cursor(self) -> int | None:
        labels, viewer = self._session.labels_layer, self._session.viewer
        if labels is None:
            notify.warn("There are no objects yet: run a model that finds some, or open labels.")
            return None
        value = labels.get_value(
            viewer.cursor.position, view_direction=None, dims_displayed=list(viewer.dims.displayed), world=True
        )
        if not value:
            notify.warn("Point at an object with the mouse, then press the key.")
            return None
        return int(value)

    def _centre_mm(self, number: int) -> tuple[float, float, float] | None:
        labels = self._session.labels_layer
        info = viewer_link.info_of(labels)
        if info is None:
            return None
        on_grid = info.frame.from_display(np.asarray(labels.data))
        x, y, z = info.geometry.to_world(np.argwhere(on_grid == number).mean(0)).tolist()
        return x, y, z

    def _say(self, mark: Mark) -> None:
        mark = mark.model_copy(update={"author": self.author, "created": now_utc()})
        if mark.is_withdrawn:
            self._marks.pop(mark.thing, None)
        else:
            self._marks[mark.thing] = mark
        self._last = mark
        image, folder = self._image, self._folder()
        assert image is not None
        self._journal(folder, image, mark)
        schema = LabelSchema.from_names(self.classes or mark.classes)
        self._session.lane.add("", lambda: _keep(folder, image, mark, schema))
        if mark.scope is Scope.OBJECT and mark.index is not None:
            is_told = len(mark.classes) == 1 and not mark.is_unsure and not mark.is_withdrawn
            self.object_said.emit(mark.index, mark.classes[0] if is_told else "")
        self.changed.emit()

    def _journal(self, folder: Path, image: MedImage, mark: Mark) -> None:
        from napari_medclf.store.strokes.journal import StrokeJournal

        if not image.source.digest:  # it is counted on the worker, which keeps the mark at once
            return
        try:
            journal = StrokeJournal.open(folder, image.source.digest, self._writer_id)
            journal.append_mark(mark)
            journal.close()
        except MedclfError as error:
            notify.complain(str(error))

    def _folder(self) -> Path:
        answer = self._session.answer
        return self._session.project_folder(None if answer is None else answer.prediction)

    def _on_image(self) -> None:
        image = self._session.image
        if image is self._image:
            return
        self._image, self._last = image, None
        self._marks.clear()
        self.changed.emit()
        if image is not None:
            folder = self._folder()
            self._session.lane.add("", lambda: _read(folder, image), partial(self._on_read, image))

    def _on_read(self, image: MedImage, marks: tuple[Mark, ...]) -> None:
        if image is not self._image:
            return
        mine = {mark.thing: mark for mark in marks if mark.author == self.author}
        self._marks = {**mine, **self._marks}  # what was said while this was read is newer
        self.changed.emit()


def _keep(folder: Path, image: MedImage, mark: Mark, schema: LabelSchema) -> Any:
    from napari_medclf.jobs.marks.keep import keep_mark

    return keep_mark(folder, image, mark, schema)


def _read(folder: Path, image: MedImage) -> Any:
    from napari_medclf.jobs.marks.keep import read_marks

    return read_marks(folder, image)
