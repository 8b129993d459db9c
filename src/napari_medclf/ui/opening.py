"""Which image of the work list is open, and what lies beside it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from qtpy.QtCore import QObject, Qt, Signal
from qtpy.QtWidgets import QApplication

from napari_medclf.bridge.derived import image_of_reference, with_source_image
from napari_medclf.bridge.layer_info import METADATA_KEY
from napari_medclf.bridge.layers import LayerTuple, image_layer
from napari_medclf.domain.dataset import FileRef
from napari_medclf.domain.events import Outcome
from napari_medclf.domain.image import MedImage
from napari_medclf.domain.listing import SeriesEntry
from napari_medclf.domain.results import Prediction
from napari_medclf.store.project import current_author
from napari_medclf.ui import notify, tasks, viewer_link
from napari_medclf.ui.autosave import Autosave
from napari_medclf.ui.cases.source import CaseOpened, CaseSource, case_sentence, open_case
from napari_medclf.ui.correct.painting import Painting
from napari_medclf.ui.correct.recovery import blind_layer
from napari_medclf.ui.job_bar import JobBar
from napari_medclf.ui.layer_book import same_layer
from napari_medclf.ui.overlays import CanvasNotes
from napari_medclf.ui.refill import can_refill, can_refill_labels, empty_labels, refill, refill_labels
from napari_medclf.ui.subject import Subject
from napari_medclf.ui.tasks import Answer, Beside, Found, Opened, WorkItem
from napari_medclf.ui.work_list import WorkList

_MOST_WARNINGS = 3
_READ_AHEAD_BYTES = 256 * 1024**2
"""After an image of more than this, the next one is not read ahead, to spare memory."""


class Opening(Subject):
    """The work list, and the layers of the image that is open.

    Signals
    -------
    work_changed : the work list, its statuses or its cursor changed.
    """

    work_changed = Signal()

    def __init__(self, viewer: Any, notes: CanvasNotes, bar: JobBar, user_folder: Path, parent: QObject) -> None:
        super().__init__(viewer, notes, bar, user_folder, parent)
        self.autosave = Autosave(user_folder / "working", self.lane, self)
        self.author = ""
        self.is_blind = False
        self.painting = Painting(self.lane, self._journal_folder, lambda: self.author or current_author(), self)
        self.painting.journal_layer = lambda: blind_layer(self.reader)
        self.painting.began.connect(lambda layer: self.answer_changed.emit())
        self.painting.stroked.connect(self._on_stroked)
        self.work = WorkList()
        self.entries: tuple[SeriesEntry, ...] = ()
        self.project: Path | None = None
        self.opened_path: Path | None = None
        self._wanted: Path | None = None
        self._read_ahead = tasks.ReadAhead()
        self._opened_layers: list[Any] = []
        self._spare: Any = None
        self.helpers: list[Callable[[], bool]] = []
        """Each tells whether somebody beside the lane and the bar still works for the labels that are shown."""
        self._shown: FileRef | None = None
        self._is_moving = False
        self._is_missing = False

    def close_down(self) -> None:
        """Write what is unsaved, stop what runs, and let go of the viewer."""
        self.autosave.flush_now()
        super().close_down()
        self.painting.close_down()
        self._opened_layers = []

    @property
    def reader(self) -> str:
        """Who reads blind, without the answers of others; empty where nobody does."""
        return (self.author or current_author()) if self.is_blind else ""

    def project_folder(self, base: Prediction | None) -> Path:
        """Where answers are kept: the chosen project, or one a model in the user's folder."""
        if self.project is not None:
            return self.project
        return self._automatic / (base.model if base is not None and base.model else "by-hand")

    @property
    def _automatic(self) -> Path:
        return self.user_folder / "projects"

    def _journal_folder(self, layer: Any) -> Path:
        info = viewer_link.info_of(layer)
        return self.project_folder(None if info is None else info.prediction)

    def _on_stroked(self, layer: Any, stroke: Any) -> None:
        state = self.painting.state(layer)
        if state is not None and state.problem:
            self.autosave.keep(layer, state.image)

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
        item, ahead = self.work.items[index], self._read_ahead
        kept = tasks.Kept(self.autosave.copies, item.project, self.project, self._automatic, self.reader, item.answer)
        self.work.current = index
        self._is_moving = True
        self.work_changed.emit()
        self.lane.add(
            f"Opening {item.name}",
            lambda: tasks.open_image(item.ref, ahead, kept),
            self._show_opened,
            self._on_not_opened,
        )

    def open_new(self, ref: FileRef, name: str) -> None:
        """Open an image that is not in the work list yet, and add it there."""
        index = self.work.index_of(ref)
        if index is None:
            self.work.items.append(tasks.WorkItem(ref, name))
            index = len(self.work.items) - 1
        self.open_index(index)

    def open_work(self, items: Sequence[WorkItem], index: int) -> None:
        """Work through other images from now on, in their order, and open one of them."""
        self.work, self.entries, self.opened_path = WorkList(list(items)), (), None
        self.open_index(index)

    def open_case(
        self, source: CaseSource, case_id: str, then: Callable[[Any, CaseOpened], None] = lambda layer, opened: None
    ) -> None:
        """Open a case of labelled data with its reference, in place of the image opened before.

        Parameters
        ----------
        then : callable
            Gets the image layer and what was opened, once it is shown.
        """
        self.autosave.flush()
        self._is_moving = True
        self.lane.add(
            f"Opening {case_id}",
            lambda: open_case(source, case_id),
            lambda opened: self._show_case(opened, then),
            self._on_move_failed,
        )

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

    def _replace_opened(self, described: LayerTuple, ref: FileRef | None, labels: LayerTuple | None = None) -> Any:
        """Show another image in the layer of the one before where it can be; that of its labels waits for `labels`."""
        self._is_moving = self._is_missing = False
        opened = [layer for layer in self._opened_layers if layer in self.viewer.layers]
        self._spare = self._keep_labels(opened, described, labels)
        for layer in opened[1:]:
            if not same_layer(layer, self._spare):
                self.viewer.layers.remove(layer)
        layer = self._exchange_image(opened[0] if opened else None, described)
        self._opened_layers, self._shown = [layer], ref
        viewer_link.show_acquired_plane(self.viewer, layer)
        return layer

    def _exchange_image(self, old: Any, described: LayerTuple) -> Any:
        if old is None:
            return viewer_link.add_layer(self.viewer, described)
        n_kept = 1 if self._spare is None else 2
        if len(self.viewer.layers) == n_kept and can_refill(old, described):
            refill(self.viewer, old, described)
            self._begin_anew(old)
            return old
        self.viewer.layers.remove(old)
        return viewer_link.add_layer(self.viewer, described)

    def _keep_labels(self, opened: list[Any], described: LayerTuple, labels: LayerTuple | None) -> Any:
        """Empty the labels of the image before, to show those of the next one in their layer; None where it cannot be.

        Nothing that runs or waits may still mean the labels before: it would find others in their layer.
        """
        if labels is None or len(opened) != 2 or len(self.viewer.layers) != 2:
            return None
        image, old = opened
        is_busy = self.bar.is_running or self.lane.is_busy or any(helps() for helps in self.helpers)
        is_idle = not is_busy and QApplication.mouseButtons() == Qt.MouseButton.NoButton
        can_be = viewer_link.is_our_labels(old) and can_refill(image, described) and can_refill_labels(old, labels)
        if not (is_idle and can_be):
            return None
        self._let_go(old)
        empty_labels(old)
        return old

    def _let_go(self, labels: Any) -> None:
        """Forget what is known of labels that are taken away."""
        self._forget(labels)

    def _show_case(self, opened: CaseOpened, then: Callable[[Any, CaseOpened], None]) -> None:
        layer = self._replace_opened(opened.layer, None)
        self.put_told(layer, case_sentence(opened.case))
        for described in opened.references:
            self._add_opened(described)
        self.viewer.layers.selection.active = layer
        then(layer, opened)

    def _show_opened(self, opened: Opened) -> None:
        saved = opened.saved
        layer = self._replace_opened(opened.layer, opened.ref, _first_labels(opened))
        if saved is not None:
            self.put_saved(layer, saved)
        if opened.clicked is not None:
            self.put_classes(layer, opened.clicked)
            notify.tell(
                f"{opened.image.name}: the class you gave it was restored. Run the model (Space), then N accepts it."
            )
        if opened.painted is not None:
            self._add_painted(opened.painted, opened)
            notify.tell(f"{opened.image.name}: your unsaved painting was restored.")
        elif saved is not None and saved.labels is not None:
            self._add_opened(saved.labels)
        if opened.answer is not None:
            self._show_earlier(layer, opened.answer)
        if opened.plane is not None:
            viewer_link.show_plane(self.viewer, *opened.plane)
        self.work_changed.emit()
        self._read_next(opened.image)

    def _show_earlier(self, layer: Any, answer: Answer) -> None:
        """Show what a model said about an image before it was opened."""
        for described in (answer.layer, *answer.boxes):
            if described is not None:
                self._add_opened(described)
        if answer.doubt is not None:
            active = self.viewer.layers.selection.active
            self._add_opened(answer.doubt).visible = False
            self.viewer.layers.selection.active = active
        self.put_answer(layer, answer)

    def _add_painted(self, described: LayerTuple, opened: Opened) -> None:
        """Show painting that nobody accepted, and go on with its journal; a working copy becomes one of strokes."""
        info = described[1]["metadata"][METADATA_KEY]
        if opened.recovered is not None:
            self.painting.expect(info, opened.recovered)
        layer = self._add_opened(described)
        state = self.painting.state(layer)
        if state is not None:
            state.is_dirty = True

    def _filled_spare(self, described: LayerTuple) -> Any:
        """Show labels in the layer that was kept for them, as if it had been added; None without one."""
        spare, self._spare = self._spare, None
        if spare is None:
            return None
        refill_labels(spare, described)
        self._greet(spare)
        self.viewer.layers.selection.active = spare
        return spare

    def _read_next(self, image: MedImage) -> None:
        following, ahead = self.work.next_open(), self._read_ahead
        if following is not None and image.data.nbytes <= _READ_AHEAD_BYTES:
            ref = self.work.items[following].ref
            self.lane.add("", lambda: ahead.read(ref), on_failure=lambda message: None)

    @property
    def missing(self) -> str:
        """The image of the work list that could not be opened, while another one, or none, is seen; else empty."""
        current, layer = self.work.current, self.image_layer
        is_other = layer is None or layer in self._opened_layers
        return self.work.items[current].name if self._is_missing and is_other and current is not None else ""

    def _on_not_opened(self, message: str) -> None:
        self._is_missing = True
        self._on_move_failed(message)
        self.work_changed.emit()

    def _on_move_failed(self, message: str) -> None:
        self._is_moving = False
        notify.complain(message)

    def _add_opened(self, described: LayerTuple) -> Any:
        is_of_list = self.image_layer in self._opened_layers
        layer = self._filled_spare(described)
        if layer is None:
            layer = viewer_link.add_layer(self.viewer, described)
        if is_of_list:
            self._opened_layers.append(layer)
        return layer


def _first_labels(opened: Opened) -> LayerTuple | None:
    """Which labels `_show_opened` shows first; None without any."""
    if opened.painted is not None:
        return opened.painted
    if opened.saved is not None and opened.saved.labels is not None:
        return opened.saved.labels
    return None if opened.answer is None else opened.answer.layer
