"""What a person does with images: open, run, correct, accept, go on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from qtpy.QtCore import QObject, Signal

from napari_medclf.bridge.derived import image_of_reference, with_source_image
from napari_medclf.bridge.layers import LayerTuple, image_layer, labels_layer
from napari_medclf.domain.annotation import Annotation, Status
from napari_medclf.domain.dataset import FileRef
from napari_medclf.domain.events import Job, JobEvent, Noted, Outcome, Progress
from napari_medclf.domain.image import MedImage
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.listing import SeriesEntry
from napari_medclf.domain.package import ModelPackage
from napari_medclf.domain.results import Prediction, Segmentation
from napari_medclf.domain.violation import Violation
from napari_medclf.store.trust import NotTrusted
from napari_medclf.ui import notify, run_tasks, tasks, viewer_link
from napari_medclf.ui.autosave import Autosave, PaintedLabels
from napari_medclf.ui.job_bar import JobBar
from napari_medclf.ui.overlays import CanvasNotes
from napari_medclf.ui.saved_answer import saved_sentence
from napari_medclf.ui.subject import Subject
from napari_medclf.ui.tasks import Answer, Beside, Found, Opened
from napari_medclf.ui.work_list import WorkList
from napari_medclf.ui.working_copy import WorkingCopies

_MOST_WARNINGS = 3
_READ_AHEAD_BYTES = 256 * 1024**2
"""After an image of more than this, the next one is not read ahead, to spare memory."""


class Session(Subject):
    """The work list, and everything that is done with its images; panels call it.

    Signals
    -------
    work_changed : the work list, its statuses or its cursor changed.
    noted : what a running model tells about its plan, as one line.
    trust_wanted : ModelPackage that would run code of its own, which nobody has allowed yet.
    """

    work_changed = Signal()
    noted = Signal(str)
    trust_wanted = Signal(object)

    def __init__(self, viewer: Any, notes: CanvasNotes, bar: JobBar, user_folder: Path, parent: QObject) -> None:
        super().__init__(viewer, notes, bar, user_folder, parent)
        self.autosave = Autosave(user_folder / "working", self.lane, self)
        self.autosave.became_dirty.connect(self.answer_changed)
        self.work = WorkList()
        self.entries: tuple[SeriesEntry, ...] = ()
        self.project: Path | None = None
        self.author = ""
        self.opened_path: Path | None = None
        self._wanted: Path | None = None
        self._cache = run_tasks.ModelCache()
        self._read_ahead = tasks.ReadAhead()
        self._opened_layers: list[Any] = []
        self._shown: FileRef | None = None
        self._preview: Any = None
        self._is_moving = False

    def close_down(self) -> None:
        """Write what is unsaved, stop what runs, and let go of the viewer."""
        self.autosave.flush_now()
        super().close_down()
        self._opened_layers, self._preview = [], None

    def open_path(self, path: Path) -> None:
        """List what is in a file, folder or project, and open its first image; the job bar tells how far it is."""
        self.settings.set("data", path=str(path))
        title = f"Looking through {path.name}"
        if self._wanted is not None:
            self.bar.cancel()  # a listing that nobody waits for any more
        is_free = not self.bar.is_running
        self._wanted = path
        if is_free:
            self.bar.start(title, lambda: tasks.look_through(path), self._take_found, on_end=self._on_listed)
        else:
            self.lane.add(title, lambda: tasks.look_through(path), self._take_found)

    def open_index(self, index: int) -> None:
        """Open an image of the work list in place of the one opened before."""
        self.autosave.flush()
        item, copies, ahead = self.work.items[index], self.autosave.copies, self._read_ahead
        self.work.current = index
        self._is_moving = True
        self.work_changed.emit()
        self.lane.add(
            f"Opening {item.name}",
            lambda: tasks.open_image(item.ref, copies, ahead, item.project),
            self._show_opened,
            self._on_move_failed,
        )

    def open_new(self, ref: FileRef, name: str) -> None:
        """Open an image that is not in the work list yet, and add it there."""
        index = self.work.index_of(ref)
        if index is None:
            self.work.items.append(tasks.WorkItem(ref, name))
            index = len(self.work.items) - 1
        self.open_index(index)

    def show_beside(self, beside: Beside) -> None:
        """Add what was opened beside the image that is meant; it goes when the next image is opened."""
        image, layer = self.image, self.image_layer
        for warning in beside.warnings[:_MOST_WARNINGS]:
            notify.warn(f"{beside.name}: {warning}")
        if not beside.layers:
            notify.warn(f"{beside.name}: holds nothing that can be shown.")
        report = beside.report
        if report is not None and image is not None and image_of_reference(report.reference, [image]) is image:
            self.put_report(layer, report)
            return
        for described in beside.layers:
            if described[2] == "labels" and image is not None:
                described = with_source_image(described, image)
            self._add_opened(described)
        if beside.plane is not None:
            viewer_link.show_plane(self.viewer, *beside.plane)

    def open_next(self) -> None:
        """Open the next image that is still open."""
        index = self.work.next_open()
        if index is not None:
            self.open_index(index)
        elif self.work.items:
            notify.tell("All images of the work list are done, skipped or flagged.")

    def show_image(self, image: MedImage) -> Any:
        """Add an image to the viewer, in the plane it was acquired in."""
        return viewer_link.add_layer(self.viewer, image_layer(image))

    def run(self, package: ModelPackage, options: Any, *, tells_warnings: bool = True) -> bool:
        """Run a model on the image that is meant; False when it could not be started."""
        layer, image = self.image_layer, self.image
        if layer is None or image is None:
            notify.warn("Open an image first: drop a file on the window, or use the Data tab.")
            return False
        cache, focus = self._cache, viewer_link.visible_slice(self.viewer, layer)
        return self.bar.start(
            f"Running {package.name}",
            lambda: run_tasks.run_model(image, package, options, cache, focus),
            lambda answer: self.take_answer(layer, answer),
            on_event=lambda event: self._on_run_event(layer, event),
            on_end=self._on_run_end,
            tells_warnings=tells_warnings,
            asks_for=NotTrusted,
        )

    def mend(self, package: ModelPackage, violation: Violation) -> None:
        """Put an image above the one that is meant, changed so that the model fits it; that one is hidden."""
        layer, image = self.image_layer, self.image
        if layer is not None and image is not None:
            self.lane.add(
                f"Mending {image.name}",
                lambda: run_tasks.mend(image, package.card, violation),
                lambda described: self._show_mended(layer, described),
            )

    def take_answer(self, layer: Any, answer: Answer) -> None:
        """Show what a model said about an image layer; labels a person painted on stay."""
        if layer not in self.viewer.layers:
            return
        if answer.layer is not None:
            self._show_labels(answer.layer)
        for described in answer.boxes:
            self._exchange(described)
        if answer.doubt is not None:
            self._exchange(answer.doubt, is_visible=False)
        self.put_answer(layer, answer)

    @property
    def doubt_layer(self) -> Any:
        """The map of uncertainty of the last answer about the image, None without one."""
        described = None if self.answer is None else self.answer.doubt
        if described is None or self.viewer is None:
            return None
        return next((layer for layer in self.viewer.layers if layer.name == described[1]["name"]), None)

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

    def _on_listed(self, outcome: Outcome[Found]) -> None:
        if self._wanted is not None and (outcome.result is None or outcome.result.path == self._wanted):
            self._wanted = None

    def _take_found(self, found: Found) -> None:
        if self._wanted not in {None, found.path}:
            return
        self._wanted = None
        self.work, self.entries, self.opened_path = WorkList(list(found.items)), found.entries, found.path
        if found.project is not None:
            self.project = found.project
        if found.refused:
            more = f" and {len(found.refused) - 1} more" if len(found.refused) > 1 else ""
            notify.warn(f"Left out: {found.refused[0]}{more}")
        self.work_changed.emit()
        first = self.work.next_open()
        if self.work.items:
            self.open_index(0 if first is None else first)

    def _show_opened(self, opened: Opened) -> None:
        self._is_moving = False
        for layer in [layer for layer in self._opened_layers if layer in self.viewer.layers]:
            self.viewer.layers.remove(layer)
        layer = viewer_link.add_layer(self.viewer, opened.layer)
        self._opened_layers, self._shown = [layer], opened.ref
        viewer_link.show_acquired_plane(self.viewer, layer)
        saved = opened.saved
        if saved is not None:
            self.put_saved(layer, saved)
        if opened.painted is not None:
            self.autosave.mark_dirty(self._add_opened(opened.painted))
            notify.tell(f"{opened.image.name}: your unsaved painting was restored.")
        elif saved is not None and saved.labels is not None:
            self._add_opened(saved.labels)
        self.work_changed.emit()
        self._read_next(opened.image)

    def _read_next(self, image: MedImage) -> None:
        following, ahead = self.work.next_open(), self._read_ahead
        if following is not None and image.data.nbytes <= _READ_AHEAD_BYTES:
            ref = self.work.items[following].ref
            self.lane.add("", lambda: ahead.read(ref), on_failure=lambda message: None)

    def _on_move_failed(self, message: str) -> None:
        self._is_moving = False
        notify.complain(message)

    def _on_run_event(self, layer: Any, event: JobEvent) -> None:
        if isinstance(event, Noted):
            self.noted.emit(event.message)
        elif isinstance(event, run_tasks.PreviewShown) and event.layer is not None and layer in self.viewer.layers:
            self._remove_preview()
            active = self.viewer.layers.selection.active
            self._preview = viewer_link.add_layer(self.viewer, event.layer)
            self.viewer.layers.selection.active = active

    def _on_run_end(self, outcome: Outcome[Answer]) -> None:
        self._remove_preview()
        if isinstance(outcome.error, NotTrusted):
            self.trust_wanted.emit(outcome.error.package)

    def _remove_preview(self) -> None:
        preview, self._preview = self._preview, None
        if preview is not None and self.viewer is not None and preview in self.viewer.layers:
            self.viewer.layers.remove(preview)

    def _show_mended(self, layer: Any, described: LayerTuple) -> None:
        if layer in self.viewer.layers:
            mended = self._add_opened(described)
            layer.visible = False
            self.viewer.layers.selection.active = mended

    def _show_labels(self, described: LayerTuple) -> None:
        name = described[1]["name"]
        for old in [layer for layer in self.viewer.layers if layer.name == name and viewer_link.is_our_labels(layer)]:
            if not self.autosave.is_dirty(old):
                self.viewer.layers.remove(old)
        self._add_opened(described)

    def _exchange(self, described: LayerTuple, *, is_visible: bool = True) -> None:
        """Add a layer in place of the one of the same name, and leave the choice of the active layer alone."""
        active = self.viewer.layers.selection.active
        for old in [layer for layer in self.viewer.layers if layer.name == described[1]["name"]]:
            self.viewer.layers.remove(old)
        self._add_opened(described).visible = is_visible
        if active in self.viewer.layers:
            self.viewer.layers.selection.active = active

    def _add_opened(self, described: LayerTuple) -> Any:
        is_of_list = self.image_layer in self._opened_layers
        layer = viewer_link.add_layer(self.viewer, described)
        if is_of_list:
            self._opened_layers.append(layer)
        return layer

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
