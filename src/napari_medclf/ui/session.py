"""What the panels share: the viewer, the work list, the models' answers, and what happens with them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from napari.layers import Image
from qtpy.QtCore import QObject, Signal

from napari_medclf.bridge.features import score_text
from napari_medclf.bridge.layers import LayerTuple, image_layer, labels_layer
from napari_medclf.domain.annotation import Annotation, Status
from napari_medclf.domain.card import Task
from napari_medclf.domain.errors import MedclfError
from napari_medclf.domain.image import MedImage
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.package import ModelPackage
from napari_medclf.domain.results import Prediction, Segmentation
from napari_medclf.ui import notify, tasks, viewer_link
from napari_medclf.ui.autosave import Autosave, PaintedLabels
from napari_medclf.ui.job_bar import JobBar
from napari_medclf.ui.lane import Lane
from napari_medclf.ui.layer_book import LayerBook, same_layer
from napari_medclf.ui.overlays import CanvasNotes
from napari_medclf.ui.settings import Settings
from napari_medclf.ui.tasks import Answer, Found, Opened
from napari_medclf.ui.work_list import WorkList

_READ_AHEAD_BYTES = 256 * 1024**2
"""After an image of more than this, the next one is not read ahead, to spare memory."""


class Session(QObject):
    """The state of one workbench; panels call it and listen to its signals.

    Signals
    -------
    image_changed : the image that is meant became another one, or none.
    answer_changed : a model's answer or a person's classes for that image changed.
    work_changed : the work list, its statuses or its cursor changed.
    models_changed : the list of models was read anew.
    """

    image_changed = Signal()
    answer_changed = Signal()
    work_changed = Signal()
    models_changed = Signal()

    def __init__(
        self, viewer: Any, bar: JobBar, settings: Settings, user_folder: Path, notes: CanvasNotes, parent: QObject
    ) -> None:
        super().__init__(parent)
        self.viewer: Any = viewer
        self.bar, self.settings, self.notes = bar, settings, notes
        self.user_folder = user_folder
        self.lane = Lane(self)
        self.autosave = Autosave(user_folder / "working", self.lane, self)
        self.work = WorkList()
        self.packages: tuple[ModelPackage, ...] = ()
        self.model_problems: tuple[str, ...] = ()
        self.project: Path | None = None
        self.author = ""
        self._cache = tasks.ModelCache()
        self._read_ahead = tasks.ReadAhead()
        self._answers: LayerBook[Answer] = LayerBook()
        self._classes: LayerBook[tuple[str, ...]] = LayerBook()
        self._adopted: LayerBook[MedImage] = LayerBook()
        self._opened_layers: list[Any] = []
        self._followed: Any = None
        viewer.layers.selection.events.active.connect(self._on_layers_changed)
        viewer.layers.events.inserted.connect(self._on_inserted)
        viewer.layers.events.removed.connect(self._on_removed)
        self.autosave.became_dirty.connect(self.answer_changed)
        self._follow_all()

    def close_down(self) -> None:
        """Write what is unsaved, stop what runs, and let go of the viewer."""
        self.autosave.flush_now()
        self.bar.close_down()
        self.lane.finish_all()
        self.viewer.layers.selection.events.active.disconnect(self._on_layers_changed)
        self.viewer.layers.events.inserted.disconnect(self._on_inserted)
        self.viewer.layers.events.removed.disconnect(self._on_removed)
        self._opened_layers, self._followed = [], None
        self.viewer = None  # Qt keeps our slots until it deletes the dock; the viewer must be free before

    # The image that is meant

    @property
    def image_layer(self) -> Image | None:
        """The image layer that Run and Correct are about."""
        return viewer_link.current_image_layer(self.viewer)

    @property
    def labels_layer(self) -> Any:
        """The labels layer that belongs to it, None without one."""
        return viewer_link.labels_of(self.viewer, self.image_layer)

    @property
    def image(self) -> MedImage | None:
        """The image itself; None without one or when its layer is not 2D or 3D."""
        layer = self.image_layer
        if layer is None:
            return None
        info = viewer_link.info_of(layer)
        if info is not None:
            return info.image
        if layer not in self._adopted:
            try:
                self._adopted.put(layer, viewer_link.image_of(layer))
            except MedclfError:
                return None
        return self._adopted.get(layer)

    @property
    def answer(self) -> Answer | None:
        """What a model said about the image that is meant."""
        return self._answers.get(self.image_layer)

    @property
    def person_classes(self) -> tuple[str, ...] | None:
        """The classes a person gave to the image; None while nothing was said."""
        return self._classes.get(self.image_layer)

    @property
    def schema(self) -> LabelSchema | None:
        """The classes that the keys 1 to 9 stand for: those of the labels, else of the image-level answer."""
        labels = self.labels_layer
        if labels is not None:
            info = viewer_link.info_of(labels)
            return None if info is None else info.schema
        answer = self.answer
        if answer is not None and answer.card.task is Task.CLASSIFY:
            return answer.card.schema_
        return None

    # Opening

    def open_path(self, path: Path) -> None:
        """List what is in a file, folder or project, and open its first image."""
        self.settings.set("data", path=str(path))
        self.lane.add(f"Looking through {path.name}", lambda: tasks.look_through(path), self._take_found)

    def open_index(self, index: int) -> None:
        """Open an image of the work list in place of the one opened before."""
        self.autosave.flush()
        item, copies, ahead = self.work.items[index], self.autosave.copies, self._read_ahead
        self.work.current = index
        self.work_changed.emit()
        self.lane.add(f"Opening {item.name}", lambda: tasks.open_image(item.ref, copies, ahead), self._show_opened)

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

    # Models

    def refresh_models(self) -> None:
        """Read the list of models anew."""
        self.lane.add("", tasks.list_models, self._take_models)

    def run(self, package: ModelPackage, options: Any) -> bool:
        """Run a model on the image that is meant; False when it could not be started."""
        layer, image = self.image_layer, self.image
        if layer is None or image is None:
            notify.warn("Open an image first: drop a file on the window, or use the Data tab.")
            return False
        cache = self._cache
        return self.bar.start(
            f"Running {package.name}",
            lambda: tasks.run_model(image, package, options, cache),
            lambda answer: self.take_answer(layer, answer),
        )

    def take_answer(self, layer: Any, answer: Answer) -> None:
        """Show what a model said about an image layer; labels a person painted on stay."""
        if layer not in self.viewer.layers:
            return
        self._answers.put(layer, answer)
        if answer.layer is not None:
            self._show_labels(answer.layer)
        self._refresh_notes()
        self.answer_changed.emit()

    # Correcting

    def press_class(self, number: int) -> bool:
        """Do what the key `number` means: choose the class to paint, or give the image its class."""
        schema, labels = self.schema, self.labels_layer
        if schema is None:
            return False
        classes = schema.foreground if labels is not None else schema.classes
        if number > len(classes):
            return False
        chosen = classes[number - 1]
        if labels is not None:
            self.viewer.layers.selection.active = labels
            labels.selected_label = viewer_link.value_to_paint(labels, chosen)
            self.answer_changed.emit()
        else:
            self._give_class(chosen.name)
        return True

    def begin_labels(self, schema: LabelSchema) -> None:
        """Add empty labels to paint on by hand, without a model."""
        image = self.image
        if image is None:
            notify.warn("Open an image first.")
            return
        empty = np.zeros(image.geometry.shape, dtype=np.uint8)
        name = f"{image.name} · labels"
        segmentation = Segmentation(empty, image.geometry, schema, source_digest=image.source.digest, name=name)
        layer = self._add_labels(labels_layer(segmentation))
        layer.mode = "paint"
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
            Whether there was something to save.
        """
        layer, image = self.image_layer, self.image
        if layer is None or image is None:
            notify.warn("There is no image to answer for. Open one first.")
            return False
        painted, classes, base = self._gather(status)
        if status is Status.DONE and painted is None and classes is None:
            notify.warn("There is nothing to accept yet: run a model, paint labels, or press 1 to 9 for a class.")
            return False
        self.autosave.flush()
        project, author, schema = self.project_folder(base), self.author, self.schema

        def save() -> Any:
            from napari_medclf.jobs.correct import save_correction

            segmentation = None if painted is None else painted.read()
            return save_correction(project, image, segmentation, classes, base, author, status, schema)

        self.lane.add(
            f"Saving {image.name}", save, lambda annotation: self._on_saved(layer, image, annotation, project)
        )
        return True

    def project_folder(self, base: Prediction | None) -> Path:
        """Where answers are kept: the chosen project, or one a model in the user's folder."""
        if self.project is not None:
            return self.project
        return self.user_folder / "projects" / (base.model if base is not None and base.model else "by-hand")

    # What happens behind the methods above

    def _take_found(self, found: Found) -> None:
        self.work = WorkList(list(found.items))
        if found.project is not None:
            self.project = found.project
        if found.refused:
            more = f" and {len(found.refused) - 1} more" if len(found.refused) > 1 else ""
            notify.warn(f"Left out: {found.refused[0]}{more}")
        self.work_changed.emit()
        first = self.work.next_open()
        if first is not None or self.work.items:
            self.open_index(first if first is not None else 0)

    def _show_opened(self, opened: Opened) -> None:
        for layer in [layer for layer in self._opened_layers if layer in self.viewer.layers]:
            self.viewer.layers.remove(layer)
        layer = viewer_link.add_layer(self.viewer, opened.layer)
        self._opened_layers = [layer]
        viewer_link.show_acquired_plane(self.viewer, layer)
        if opened.painted is not None:
            self.autosave.mark_dirty(self._add_labels(opened.painted))
            notify.tell(f"{opened.image.name}: your unsaved painting was restored.")
        self.work_changed.emit()
        following, ahead = self.work.next_open(), self._read_ahead
        if following is not None and opened.image.data.nbytes <= _READ_AHEAD_BYTES:
            ref = self.work.items[following].ref
            self.lane.add("", lambda: ahead.read(ref), on_failure=lambda message: None)

    def _take_models(self, listing: Any) -> None:
        self.packages, self.model_problems = listing.packages, listing.problems
        self.models_changed.emit()

    def _show_labels(self, described: LayerTuple) -> None:
        name = described[1]["name"]
        for old in [layer for layer in self.viewer.layers if layer.name == name and viewer_link.is_our_labels(layer)]:
            if not self.autosave.is_dirty(old):
                self.viewer.layers.remove(old)
        self._add_labels(described)

    def _add_labels(self, described: LayerTuple) -> Any:
        layer = viewer_link.add_layer(self.viewer, described)
        self._opened_layers.append(layer)
        return layer

    def _give_class(self, name: str) -> None:
        layer, answer = self.image_layer, self.answer
        if layer is None or answer is None:
            return
        said = self._classes.get(layer) or ()
        if answer.card.output.activation == "softmax":  # one class excludes the others
            said = (name,)
        elif name in said:
            said = tuple(one for one in said if one != name)
        else:
            said = (*said, name)
        self._classes.put(layer, said)
        self._refresh_notes()
        self.answer_changed.emit()

    def _gather(self, status: Status) -> tuple[PaintedLabels | None, tuple[str, ...] | None, Prediction | None]:
        """Copy labels and classes of the image that is meant, on the GUI thread."""
        labels, answer = self.labels_layer, self.answer
        base = answer.prediction if answer is not None else None
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
        copies = self.autosave.copies
        self.autosave.forget(image)
        self.lane.add("", lambda: _call(lambda: copies.remove(image)))
        notify.tell(_saved_sentence(annotation, image, project))
        index = self.work.current
        is_of_list = index is not None and layer in self._opened_layers
        if is_of_list and index is not None:
            self.work.mark(index, annotation.status)
            self.work_changed.emit()
        if is_of_list and annotation.status is not Status.FLAGGED:
            self.open_next()

    def _on_inserted(self, event: Any) -> None:
        layer = event.value
        if viewer_link.is_our_labels(layer):
            self._watch_labels(layer)
        if isinstance(layer, Image) and viewer_link.info_of(layer) is not None:
            images = [one for one in self.viewer.layers if isinstance(one, Image)]
            if len(images) == 1:
                viewer_link.show_acquired_plane(self.viewer, layer)
        self._on_layers_changed()

    def _watch_labels(self, layer: Any) -> None:
        """Keep painting safe and the Correct tab up to date, whoever added the labels."""
        for under in viewer_link.images_under(self.viewer, layer)[:1]:
            self.autosave.watch(layer, viewer_link.image_of(under))
        layer.events.selected_label.connect(lambda event: self.answer_changed.emit())
        layer.events.mode.connect(lambda event: self.answer_changed.emit())

    def _on_removed(self, event: Any) -> None:
        self.autosave.let_go(event.value)
        self._answers.forget(event.value)
        self._classes.forget(event.value)
        self._adopted.forget(event.value)
        self._on_layers_changed()

    def _on_layers_changed(self, event: Any = None) -> None:
        if not same_layer(self.image_layer, self._followed):
            self._follow_all()
        self.answer_changed.emit()

    def _follow_all(self) -> None:
        self._followed = self.image_layer
        self.notes.follow(self._followed)
        self._refresh_notes()
        self.image_changed.emit()

    def _refresh_notes(self) -> None:
        answer, lines = self.answer, []
        if answer is not None and answer.prediction.classification is not None:
            lines.append(score_text(answer.prediction.classification, model=answer.card.name))
        if self.person_classes is not None:
            lines.append(f"you: {', '.join(self.person_classes) or 'none of them'}")
        self.notes.show_scores("\n".join(lines))


def _call(action: Callable[[], None]) -> Any:
    """Make a job of one step."""
    action()
    return
    yield


def _saved_sentence(annotation: Annotation, image: MedImage, project: Path) -> str:
    if annotation.status is Status.SKIPPED:
        return f"{image.name}: skipped."
    if annotation.status is Status.FLAGGED:
        return f"{image.name}: flagged for a second look."
    edited = f", {annotation.n_edited_vox} voxels changed" if annotation.n_edited_vox else ""
    return f"{image.name}: saved as {annotation.origin.value}{edited}, in {project.name}."
