"""Which image of the viewer is meant, and what models and people said about it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from napari.layers import Image
from qtpy.QtCore import QObject, Signal

from napari_medclf.bridge.derived import report_text
from napari_medclf.bridge.features import number_text, score_text
from napari_medclf.domain.card import Task
from napari_medclf.domain.derived import MeasurementReport
from napari_medclf.domain.errors import MedclfError
from napari_medclf.domain.image import MedImage
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.ui import notify, viewer_link
from napari_medclf.ui.job_bar import JobBar
from napari_medclf.ui.layer_book import LayerBook, same_layer
from napari_medclf.ui.overlays import CanvasNotes
from napari_medclf.ui.saved_answer import SavedAnswer
from napari_medclf.ui.shelf import Shelf
from napari_medclf.ui.tasks import Answer


class Subject(Shelf):
    """Follows the viewer; knows the image that Run and Correct are about.

    Signals
    -------
    image_changed : the image that is meant became another one, or none.
    answer_changed : a model's answer, a person's classes, or the state of its labels changed.
    """

    image_changed = Signal()
    answer_changed = Signal()

    def __init__(self, viewer: Any, notes: CanvasNotes, bar: JobBar, user_folder: Path, parent: QObject) -> None:
        super().__init__(bar, user_folder, parent)
        self.viewer: Any = viewer
        self.notes = notes
        self._answers: LayerBook[Answer] = LayerBook()
        self._classes: LayerBook[tuple[str, ...]] = LayerBook()
        self._saved: LayerBook[SavedAnswer] = LayerBook()
        self._adopted: LayerBook[MedImage] = LayerBook()
        self._reports: LayerBook[tuple[MeasurementReport, ...]] = LayerBook()
        self._told: LayerBook[str] = LayerBook()
        self._followed: Any = None
        viewer.layers.selection.events.active.connect(self._on_layers_changed)
        viewer.layers.events.inserted.connect(self._on_inserted)
        viewer.layers.events.removed.connect(self._on_removed)
        self._follow()

    def close_down(self) -> None:
        """Stop what runs, and let go of the viewer."""
        super().close_down()
        self.viewer.layers.selection.events.active.disconnect(self._on_layers_changed)
        self.viewer.layers.events.inserted.disconnect(self._on_inserted)
        self.viewer.layers.events.removed.disconnect(self._on_removed)
        self._followed = None
        self.viewer = None  # Qt keeps our slots until it deletes the dock; the viewer must be free before

    @property
    def image_layer(self) -> Image | None:
        """The image layer that is meant; None without one, and after closing down."""
        return None if self.viewer is None else viewer_link.current_image_layer(self.viewer)

    @property
    def labels_layer(self) -> Any:
        """The labels layer that belongs to it, None without one."""
        return None if self.viewer is None else viewer_link.labels_of(self.viewer, self.image_layer)

    @property
    def boxes_layer(self) -> Any:
        """The layer of boxes that were found in it, None without one."""
        return None if self.viewer is None else viewer_link.boxes_of(self.viewer, self.image_layer)

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

    def image_behind(self, layer: Image) -> MedImage:
        """The image behind one of the image layers, with what is known of it.

        Raises
        ------
        GridError
            If the layer has a shape that no image of ours can have.
        """
        return self._adopted.get(layer) or viewer_link.image_of(layer)

    @property
    def answer(self) -> Answer | None:
        """What a model said about the image."""
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

    @property
    def reports(self) -> tuple[MeasurementReport, ...]:
        """What structured reports say about the image."""
        layer = self.image_layer
        loose = () if self.viewer is None else viewer_link.loose_reports(self.viewer, only_active=layer is not None)
        if layer is None or loose:
            return loose
        info = viewer_link.info_of(layer)
        known = () if info is None else info.reports
        return (*known, *(self._reports.get(layer) or ()))

    def put_report(self, layer: Any, report: MeasurementReport) -> None:
        """Remember what a report says about an image layer."""
        known = self._reports.get(layer) or ()
        if all(one.source != report.source or one.name != report.name for one in known):
            self._reports.put(layer, (*known, report))
        self._refresh_notes()
        self.image_changed.emit()

    def put_told(self, layer: Any, sentence: str) -> None:
        """Remember what labelled data says about an image layer; it stands on the canvas first."""
        self._told.put(layer, sentence)
        self._refresh_notes()

    def put_answer(self, layer: Any, answer: Answer) -> None:
        """Remember what a model said about an image layer."""
        self._answers.put(layer, answer)
        self._refresh_notes()
        self.answer_changed.emit()

    def put_saved(self, layer: Any, saved: SavedAnswer) -> None:
        """Remember what a person had saved about an image layer; its classes count as said again."""
        self._saved.put(layer, saved)
        if saved.classes is not None:
            self._classes.put(layer, saved.classes)
        self._refresh_notes()
        self.answer_changed.emit()

    def put_classes(self, layer: Any, classes: tuple[str, ...]) -> None:
        """Remember which classes a person gave to an image layer."""
        self._classes.put(layer, classes)
        self._refresh_notes()
        self.answer_changed.emit()

    def give_class(self, name: str) -> None:
        """Give the image a class, in place of another one where classes exclude each other."""
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
        self.put_classes(layer, said)

    def _on_inserted(self, event: Any) -> None:
        self._greet(event.value)

    def _greet(self, layer: Any) -> None:
        """Take in a layer that came, or that shows something else now."""
        if viewer_link.is_image(layer) and viewer_link.info_of(layer) is not None:
            images = [one for one in self.viewer.layers if viewer_link.is_image(one)]
            if len(images) == 1:
                viewer_link.show_acquired_plane(self.viewer, layer)
        sentence = viewer_link.overlap_warning(self.viewer, layer)
        if sentence:
            notify.warn(sentence)
        self._on_layers_changed()

    def _on_removed(self, event: Any) -> None:
        self._forget(event.value)
        self._on_layers_changed()

    def _forget(self, layer: Any) -> None:
        for book in (self._answers, self._classes, self._saved, self._adopted, self._reports, self._told):
            book.forget(layer)

    def _begin_anew(self, layer: Any) -> None:
        """Tell that a layer shows another image now, about which nothing was said."""
        self._forget(layer)
        self.viewer.layers.selection.active = layer
        self._follow()
        self.answer_changed.emit()

    def _on_layers_changed(self, event: Any = None) -> None:
        if not same_layer(self.image_layer, self._followed):
            self._follow()
        self.answer_changed.emit()

    def _follow(self) -> None:
        self._followed = self.image_layer
        self.notes.follow(self._followed)
        self._refresh_notes()
        self.image_changed.emit()

    def _refresh_notes(self) -> None:
        answer, told = self.answer, self._told.get(self.image_layer)
        lines = [told] if told else []
        if answer is not None and answer.prediction.classification is not None:
            lines.append(score_text(answer.prediction.classification, model=answer.card.name))
        if answer is not None and answer.prediction.regression is not None:
            lines.append(number_text(answer.prediction.regression, model=answer.card.name))
        if self.person_classes is not None:
            lines.append(f"you: {', '.join(self.person_classes) or 'none of them'}")
        lines += [report_text(report) for report in self.reports]
        self.notes.show_scores("\n".join(lines))
