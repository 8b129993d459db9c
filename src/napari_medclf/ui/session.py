"""What a person does with images: open and run, then correct, accept, and go on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from qtpy.QtCore import QObject

from napari_medclf.bridge.layers import labels_layer
from napari_medclf.domain.annotation import Annotation, Status
from napari_medclf.domain.events import Job, Progress
from napari_medclf.domain.image import MedImage
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.results import Prediction, Segmentation
from napari_medclf.ui import notify, tasks, viewer_link
from napari_medclf.ui.autosave import PaintedLabels
from napari_medclf.ui.job_bar import JobBar
from napari_medclf.ui.overlays import CanvasNotes
from napari_medclf.ui.running import Running
from napari_medclf.ui.saved_answer import saved_sentence
from napari_medclf.ui.working_copy import WorkingCopies


class Session(Running):
    """The work list, and everything that is done with its images; panels call it."""

    def __init__(self, viewer: Any, notes: CanvasNotes, bar: JobBar, user_folder: Path, parent: QObject) -> None:
        super().__init__(viewer, notes, bar, user_folder, parent)
        self.author = ""

    def press_class(self, number: int) -> bool:
        """Do what the key `number` means: choose the class to paint, or give the image its class."""
        schema, labels = self.schema, self.labels_layer
        if schema is None:
            return False
        classes = schema.foreground if labels is not None else schema.classes
        if number > len(classes):
            return False
        chosen = classes[number - 1]
        if labels is None:
            self.give_class(chosen.name)
            return True
        self.viewer.layers.selection.active = labels
        labels.selected_label = viewer_link.value_to_paint(labels, chosen)
        self.answer_changed.emit()
        return True

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
        layer, image = self.image_layer, self.image
        if layer is None or image is None:
            notify.warn("There is no image to answer for. Open one first.")
            return False
        if self._is_moving:
            return False
        painted, classes, base = self._gather(status)
        if status is Status.DONE and painted is None and classes is None:
            notify.warn("There is nothing to accept yet: run a model, paint labels, or press 1 to 9 for a class.")
            return False
        self.autosave.flush()
        project, author, schema = self.project_folder(base), self.author, self.schema

        def save() -> Job[Annotation]:
            from napari_medclf.jobs.correct import save_correction

            segmentation = None if painted is None else painted.read()
            return save_correction(project, image, segmentation, classes, base, author, status, schema)

        self._is_moving = True
        self.lane.add(
            f"Saving {image.name}",
            save,
            lambda annotation: self._on_saved(layer, image, annotation, project),
            self._on_move_failed,
        )
        return True

    def project_folder(self, base: Prediction | None) -> Path:
        """Where answers are kept: the chosen project, or one a model in the user's folder."""
        if self.project is not None:
            return self.project
        return self.user_folder / "projects" / (base.model if base is not None and base.model else "by-hand")

    def _gather(self, status: Status) -> tuple[PaintedLabels | None, tuple[str, ...] | None, Prediction | None]:
        """Copy labels and classes of the image that is meant, on the GUI thread."""
        labels, answer = self.labels_layer, self.answer
        saved = self._saved.get(self.image_layer)
        base = answer.prediction if answer is not None else saved.base if saved is not None else None
        if labels is not None:
            info = viewer_link.info_of(labels)
            base = info.prediction if info is not None else None
        if status is not Status.DONE:
            return None, None, base
        painted = None if labels is None else PaintedLabels.copy_of(labels)
        classes = self.person_classes
        if classes is None and base is not None and base.classification is not None:
            classes = base.classification.decided
        return painted, classes, base

    def _on_saved(self, layer: Any, image: MedImage, annotation: Annotation, project: Path) -> None:
        self._is_moving = False
        if annotation.status is Status.DONE:  # what was painted before skipping or flagging stays on disk
            copies = self.autosave.copies
            self.autosave.forget(image)
            self.lane.add("", lambda: _remove(copies, image))
        notify.tell(saved_sentence(annotation, image, project))
        self.answer_changed.emit()
        index = None if self._shown is None else self.work.index_of(self._shown)
        if index is None or layer not in self._opened_layers:
            return
        self.work.mark(index, annotation.status, project)
        self.work_changed.emit()
        if annotation.status is not Status.FLAGGED:
            self.open_next()

    def _on_inserted(self, event: Any) -> None:
        if viewer_link.is_our_labels(event.value):
            self._watch_labels(event.value)
        super()._on_inserted(event)

    def _watch_labels(self, layer: Any) -> None:
        """Keep painting safe and the Correct tab up to date, whoever added the labels."""
        for under in viewer_link.images_under(self.viewer, layer)[:1]:
            self.autosave.watch(layer, viewer_link.image_of(under))
        layer.events.selected_label.connect(lambda event: self.answer_changed.emit())
        layer.events.mode.connect(lambda event: self.answer_changed.emit())

    def _on_removed(self, event: Any) -> None:
        self.autosave.let_go(event.value)
        super()._on_removed(event)


def _remove(copies: WorkingCopies, image: MedImage) -> Job[None]:
    yield Progress(0, 0)
    copies.remove(image)
