"""What a person does with images: open and run, then correct, accept, and go on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from qtpy.QtCore import QObject, Signal

from napari_medclf.bridge.layers import labels_layer
from napari_medclf.domain.annotation import Annotation, Status
from napari_medclf.domain.events import Job, Progress
from napari_medclf.domain.image import MedImage
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.results import Segmentation
from napari_medclf.domain.stroke import StrokeKind
from napari_medclf.domain.voxel_origin import OriginMap
from napari_medclf.engine.correct.change import Change
from napari_medclf.store.project import current_author
from napari_medclf.ui import notify, tasks, viewer_link
from napari_medclf.ui.autosave import PaintedLabels
from napari_medclf.ui.correct.class_clicks import ClassClicks
from napari_medclf.ui.correct.effort import Effort
from napari_medclf.ui.correct.said import Between, Said, save_said
from napari_medclf.ui.job_bar import JobBar
from napari_medclf.ui.overlays import CanvasNotes
from napari_medclf.ui.running import Running
from napari_medclf.ui.saved_answer import saved_sentence
from napari_medclf.ui.working_copy import WorkingCopies


class Session(Running):
    """The work list, and everything that is done with its images; panels call it.

    Signals
    -------
    answered : Annotation
        What a person said was saved.
    """

    answered = Signal(object)

    def __init__(self, viewer: Any, notes: CanvasNotes, bar: JobBar, user_folder: Path, parent: QObject) -> None:
        super().__init__(viewer, notes, bar, user_folder, parent)
        self.effort = Effort()
        self._heard: set[Any] = set()
        self.between: Between | None = None
        self._answered_in: Path | None = None
        self._clicks = ClassClicks(self.painting.window_id)
        self.image_changed.connect(self.effort.begin)
        self.painting.stroked.connect(lambda layer, stroke: self.effort.act())
        viewer.dims.events.current_step.connect(self._on_step)

    def press_class(self, number: int) -> bool:
        """Do what the key `number` means: choose the class to paint, or give the image its class."""
        schema, labels = self.schema, self.labels_layer
        if schema is None:
            return False
        classes = schema.foreground if labels is not None else schema.classes
        if number > len(classes):
            return False
        self.effort.act()
        chosen = classes[number - 1]
        if labels is None:
            self.give_class(chosen.name)
            return True
        self.viewer.layers.selection.active = labels
        labels.selected_label = viewer_link.value_to_paint(labels, chosen)
        self.answer_changed.emit()
        return True

    def give_class(self, name: str) -> None:
        """Give the image a class, and have it on the disk before this returns."""
        before = self.person_classes
        super().give_class(name)
        image, said, answer = self.image, self.person_classes, self.answer
        if image is not None and answer is not None and said is not None and said != before:
            folder = self.project_folder(answer.prediction)
            self._clicks.keep(image, folder, said, self.author or current_author(), self.reader)

    def begin_labels(self, schema: LabelSchema) -> None:
        """Add empty labels to paint on by hand, without a model."""
        image = self.image
        if image is None:
            notify.warn("Open an image first.")
            return
        empty = np.zeros(image.geometry.shape, dtype=np.uint8)
        name = tasks.labels_name(image, "labels")
        segmentation = Segmentation(empty, image.geometry, schema, source_digest=image.source.digest, name=name)
        self._add_opened(labels_layer(segmentation, image=image)).mode = "paint"
        self.answer_changed.emit()

    def accept(self, status: Status = Status.DONE) -> bool:
        """Save the answer for the image that is meant, with its provenance, and go to the next image.

        Parameters
        ----------
        status : Status
            DONE accepts labels and classes as they are; SKIPPED and FLAGGED keep none. FLAGGED stays.

        Returns
        -------
        bool
            Whether there was something to save. Nothing is while the last answer is being saved or
            the next image is being opened, so a key pressed twice cannot answer for the wrong image.
        """
        if self.missing and not self._is_moving:
            self._pass_missing(status)
            return False
        layer, image = self.image_layer, self.image
        if layer is None or image is None:
            notify.warn("There is no image to answer for. Open one first.")
            return False
        if self._is_moving:
            return False
        said = self._gather(status)
        if status is Status.DONE and said.painted is None and said.classes is None:
            notify.warn("There is nothing to accept yet: run a model, paint labels, or press 1 to 9 for a class.")
            return False
        self.effort.act()
        self.autosave.flush()
        self._is_moving = True
        self.lane.add(
            f"Saving {image.name}",
            lambda: save_said(image, said),
            lambda annotation: self._on_saved(layer, image, annotation, said),
            self._on_move_failed,
        )
        return True

    def _pass_missing(self, status: Status) -> None:
        """Save nothing about an image that nobody saw, nor about the one that is still there; go to the next."""
        notify.warn(f"{self.missing} could not be opened, and what you see is not it. Nothing was saved.")
        if status is not Status.FLAGGED:
            self.open_next()

    @property
    def current_project(self) -> Path:
        """The project that is worked in: the chosen one, that of the answer on the screen, or the last saved in."""
        if self.project is not None or self.answer is not None or self._answered_in is None:
            return self.project_folder(None if self.answer is None else self.answer.prediction)
        return self._answered_in

    def apply_change(self, layer: Any, change: Change, kind: StrokeKind, tool: str) -> None:
        """Make what a tool proposes one stroke: on the disk, locked, and one thing to take back."""
        self.painting.apply_change(layer, change, kind, tool)

    def origin_of(self, layer: Any) -> OriginMap | None:
        """Who each voxel of labels comes from, (K, J, I) on the image's grid; to be read only."""
        return self.painting.origin_of(layer)

    def undo(self) -> bool:
        """Take back the last stroke on the labels that are meant, be it a person's, a tool's or a model's."""
        return self.labels_layer is not None and (self.painting.undo(self.labels_layer) or self._is_ours_alone())

    def redo(self) -> bool:
        """Do again what was taken back last."""
        return self.labels_layer is not None and (self.painting.redo(self.labels_layer) or self._is_ours_alone())

    def _is_ours_alone(self) -> bool:
        """Keep napari's own undo away from labels of ours, which it would change past the journal."""
        return self.viewer.layers.selection.active is None or self.painting.state(self.labels_layer) is not None

    def _gather(self, status: Status) -> Said:
        """Copy labels and classes of the image that is meant, on the GUI thread."""
        labels, answer = self.labels_layer, self.answer
        saved = self._saved.get(self.image_layer)
        base = answer.prediction if answer is not None else saved.base if saved is not None else None
        if labels is not None:
            info = viewer_link.info_of(labels)
            base = info.prediction if info is not None else None
        who: dict[str, Any] = {"author": self.author, "is_blind": self.is_blind, "active_s": self.effort.active_s}
        if status is not Status.DONE:
            return Said(self.project_folder(base), status, base=base, schema=self.schema, **who)
        # a class that was restored waits for the model's answer, which says what other classes there are
        is_known = labels is not None or answer is not None or saved is not None
        classes = self.person_classes if is_known else None
        if classes is None and base is not None and base.classification is not None:
            classes = base.classification.decided
        who["between"] = self.between
        return Said(self.project_folder(base), status, self._copied(labels), labels, classes, base, self.schema, **who)

    def _copied(self, labels: Any) -> PaintedLabels | None:
        return None if labels is None else PaintedLabels.copy_of(labels, self.painting.state(labels))

    def _on_saved(self, layer: Any, image: MedImage, annotation: Annotation, said: Said) -> None:
        self._is_moving = False
        project = said.project
        if said.painted is not None:  # what was painted before skipping or flagging stays on disk
            copies = self.autosave.copies
            self.autosave.forget(said.layer)
            self.painting.mark_saved(said.layer, annotation.label_digest, said.painted.n_commits)
            self.lane.add("", lambda: _remove(copies, image))
        self.effort.begin()
        self._answered_in = project
        if annotation.status is Status.DONE:
            self._clicks.mark_saved(image, project, self.reader)
        self.answered.emit(annotation)
        notify.tell(saved_sentence(annotation, image, project))
        self.answer_changed.emit()
        index = None if self._shown is None else self.work.index_of(self._shown)
        if index is None or layer not in self._opened_layers:
            return
        self.work.mark(index, annotation.status, project)
        self.work_changed.emit()
        if annotation.status is not Status.FLAGGED:
            self.open_next()

    def _greet(self, layer: Any) -> None:
        if viewer_link.is_our_labels(layer):
            self._watch_labels(layer)
        super()._greet(layer)

    def _watch_labels(self, layer: Any) -> None:
        """Keep painting safe and the Correct tab up to date, whoever added the labels."""
        for under in viewer_link.images_under(self.viewer, layer)[:1]:
            self.painting.watch(layer, self.image_behind(under))
        if layer.unique_id not in self._heard:  # a layer that shows the next case's labels was heard before
            self._heard.add(layer.unique_id)
            layer.events.selected_label.connect(lambda event: self.answer_changed.emit())
            layer.events.mode.connect(lambda event: self.answer_changed.emit())

    def _on_step(self, event: Any) -> None:
        self.effort.act()

    def close_down(self) -> None:
        """Write what is unsaved, stop what runs, and let go of the viewer."""
        if self.viewer is not None:
            self.viewer.dims.events.current_step.disconnect(self._on_step)
        self._clicks.close()
        super().close_down()

    def _on_removed(self, event: Any) -> None:
        self._heard.discard(event.value.unique_id)
        self._let_go(event.value)
        super()._on_removed(event)

    def _let_go(self, labels: Any) -> None:
        self.autosave.let_go(labels)
        self.painting.let_go(labels)
        super()._let_go(labels)


def _remove(copies: WorkingCopies, image: MedImage) -> Job[None]:
    yield Progress(0, 0)
    copies.remove(image)
