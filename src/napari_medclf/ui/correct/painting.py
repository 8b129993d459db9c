"""Every change of labels in the window: on the disk before the event returns, locked, and one thing to take back."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QObject, QTimer, Signal

from napari_medclf.bridge.layer_info import LayerInfo
from napari_medclf.bridge.strokes import labels_on_grid, stroke_from_paint
from napari_medclf.domain.arrays import FloatArray, LabelArray
from napari_medclf.domain.errors import WriteError
from napari_medclf.domain.events import Job, Progress
from napari_medclf.domain.image import MedImage
from napari_medclf.domain.stroke import Stroke, StrokeKind
from napari_medclf.domain.voxel_origin import OriginMap
from napari_medclf.engine.correct.change import Box, Change
from napari_medclf.engine.correct.lock import Merged
from napari_medclf.store.strokes.journal import News
from napari_medclf.ui import notify, viewer_link
from napari_medclf.ui.correct.brush_way import BrushWays
from napari_medclf.ui.correct.label_state import LabelState, Recovered, person_stroke
from napari_medclf.ui.lane import Lane
from napari_medclf.ui.layer_book import LayerBook

_LOOK_EVERY_MS = 1500
_RETRY_EVERY_MS = 4000
_BRUSHES = frozenset({"paint", "erase", "fill", "polygon"})


class Painting(QObject):
    """Knows the state of each labels layer of ours, and changes it by strokes only.

    Parameters
    ----------
    folder_of : callable
        The project folder whose journal the strokes on a layer go to.
    author_of : callable
        Who paints.

    Signals
    -------
    stroked : (layer, Stroke)
        A stroke was made in this window and is on the disk, or `problem` says why not.
    joined : (layer, (N,) int64)
        Strokes of another window, or of one that was closed, were taken in: the voxels they are about, raveled in
        C order on the image's grid. Nothing that this person did.
    merged : (layer, Merged)
        A model's new labels met what a person had painted: `engine.correct.lock.Merged`.
    began : layer
        The first stroke on a layer since it was made or accepted.
    left : layer
        It was taken out of the viewer, or shows other labels from now on.
    problem_changed : str
        Why strokes are in memory only; empty once they are on the disk.
    """

    stroked = Signal(object, object)
    joined = Signal(object, object)
    merged = Signal(object, object)
    began = Signal(object)
    left = Signal(object)
    problem_changed = Signal(str)

    def __init__(
        self,
        lane: Lane,
        folder_of: Callable[[Any], Path],
        author_of: Callable[[], str],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.window_id = f"window-{uuid.uuid4().hex[:12]}"
        self._lane, self._folder_of, self._author_of = lane, folder_of, author_of
        self._states: LayerBook[LabelState] = LayerBook()
        self._heard: set[Any] = set()
        self._is_closed = False
        self.probability_of: Callable[[Any, int], FloatArray | None] | None = None
        """Gives the probability of a label value for a layer, (K, J, I), where a model that runs here knows it."""
        self._expected: dict[int, tuple[LayerInfo, Recovered]] = {}
        self._n_writers = 0
        self.journal_layer: Callable[[], str] = lambda: ""
        """Which strokes on an image are gone on with: a blind reader's are kept apart."""
        self._ways = BrushWays(self.state, self.apply, self)
        self._is_looking = False
        self._look = QTimer(self)
        self._look.setInterval(_LOOK_EVERY_MS)
        self._look.timeout.connect(self._look_for_news)
        self._retry = QTimer(self)
        self._retry.setInterval(_RETRY_EVERY_MS)
        self._retry.timeout.connect(self._try_again)

    def expect(self, info: LayerInfo, recovered: Recovered) -> None:
        """Go on with recovered painting when the layer that remembers this comes to be watched."""
        self._expected[id(info)] = (info, recovered)

    def watch(self, layer: Any, image: MedImage) -> None:
        """Keep every stroke on a labels layer of ours from now on."""
        info = viewer_link.info_of(layer)
        if info is None or info.segmentation is None or layer in self._states:
            return
        _, recovered = self._expected.pop(id(info), (info, None))
        folder = recovered.folder if recovered is not None else self._folder_of(layer)
        state = LabelState(image, info, folder, self.window_id, self._new_writer(), self.journal_layer(), recovered)
        self._states.put(layer, state)
        self._ways.watch(layer)
        if layer.unique_id not in self._heard:  # a layer that shows the next case's labels was heard before
            self._heard.add(layer.unique_id)
            layer.events.paint.connect(lambda event: self._on_paint(layer, event.value))
            layer.events.mode.connect(lambda event: self._on_mode(layer))
            layer.events.data.connect(lambda event: self._on_data(layer))
        self._lane.add("", lambda: _prepare(state), on_failure=lambda message: None)  # told at the first stroke
        self._look.start()

    def state(self, layer: Any) -> LabelState | None:
        """What is known of a labels layer; None where it is not ours."""
        return self._states.get(layer)

    def is_dirty(self, layer: Any) -> bool:
        """Whether there are strokes on a layer that nobody accepted."""
        state = self.state(layer)
        return state is not None and state.is_dirty

    def origin_of(self, layer: Any) -> OriginMap | None:
        """Who each voxel of a labels layer comes from, (K, J, I) on the image's grid; to be read only."""
        state = self.state(layer)
        return None if state is None else state.origin

    @property
    def problem(self) -> str:
        """Why strokes are in memory only; empty where all are on the disk."""
        return next((state.problem for state in self._known() if state.problem), "")

    def apply(
        self, layer: Any, voxels: NDArray[np.int64], after: Any, kind: StrokeKind = StrokeKind.TOOL, tool: str = ""
    ) -> Stroke | None:
        """Give voxels new values, as one stroke.

        Parameters
        ----------
        voxels : (N,) int64
            Raveled C-order indices on the image's grid, each once.
        after : int or (N,) integer
            Values that stay the same are part of the stroke: a person's stroke locks them.
        kind : StrokeKind
            MODEL leaves alone what a person has locked, and what would not change.

        Returns
        -------
        Stroke or None
            None where nothing was left to change, or the layer is not ours.
        """
        state = self.state(layer)
        if state is None:
            return None
        stroke = person_stroke(state.labels, np.asarray(voxels, np.int64), after, kind, self._author_of(), tool)
        if kind is StrokeKind.MODEL:
            stroke = _only(stroke, (state.origin.reshape(-1)[stroke.voxels] == 0) & (stroke.before != stroke.after))
        if not len(stroke):
            return None
        self._commit(layer, state, stroke, is_shown=False)
        return stroke

    def apply_change(self, layer: Any, change: Change, kind: StrokeKind, tool: str) -> Stroke | None:
        """As `apply`, with what a tool of `engine.correct` returns."""
        return self.apply(layer, change.voxels, change.after, kind, tool)

    def take_prediction(self, layer: Any, prediction: LabelArray, box: Box | None, tool: str) -> None:
        """Put a model's labels onto a layer, everywhere but where a person has spoken; one thing to take back.

        Parameters
        ----------
        prediction : (K, J, I) integer
            Of the box's shape, or of the image's.
        box : (slice, slice, slice) or None
            Where it lies; None for everywhere.
        """
        state = self.state(layer)
        if state is not None:
            self._lane.add(
                "", lambda: merge_into(state, prediction, box), lambda merged: self.take_merged(layer, merged, tool)
            )

    def undo(self, layer: Any) -> bool:
        """Take back the last stroke on a layer, a model's too; False where there is none."""
        state = self.state(layer)
        return state is not None and self._step(layer, state, state.taken_back(self._author_of()))

    def redo(self, layer: Any) -> bool:
        """Do again what was taken back last; False where there is nothing."""
        state = self.state(layer)
        return state is not None and self._step(layer, state, state.made_again(self._author_of()))

    def mark_saved(self, layer: Any, label_digest: str, n_commits: int) -> None:
        """Treat the labels of a layer as accepted, unless somebody painted on since they were copied.

        Parameters
        ----------
        n_commits : int
            The state's, when its labels were copied.
        """
        state = self.state(layer)
        if state is None or state.n_commits != n_commits:
            return
        try:
            state.mark_saved(label_digest)
        except WriteError as error:
            state.problem = str(error)
            self._tell_problem()

    def let_go(self, layer: Any) -> None:
        """Watch a layer no longer, because it was taken out of the viewer or shows other labels from now on."""
        state = self.state(layer)
        if state is not None:
            self._states.forget(layer)
            self._ways.let_go(layer)
            state.close()
            self.left.emit(layer)
            if not self._is_closed:
                self._lane.add("", lambda: _compact(state), on_failure=lambda message: None)  # nothing is lost then

    def close_down(self) -> None:
        """Write what could not be written before, and let go of all journals."""
        self._is_closed = True
        self._look.stop()
        self._retry.stop()
        for layer, state in self._states.items():
            state.retry()
            self.let_go(layer)

    def _known(self) -> list[LabelState]:
        return [state for _, state in self._states.items()]

    def _new_writer(self) -> str:
        """Name a writer; two layers of one image must not write into one file."""
        self._n_writers += 1
        return f"{self.window_id}-{self._n_writers}"

    def _on_mode(self, layer: Any) -> None:
        """Write what painting will begin with as soon as a brush is taken up, before the first stroke ends."""
        state = self.state(layer)
        if state is not None and str(layer.mode) in _BRUSHES:
            self._lane.add("", lambda: _begin(state), on_failure=lambda message: None)  # told at the first stroke

    def _on_paint(self, layer: Any, atoms: Any) -> None:
        state = self.state(layer)
        if state is None:
            return
        stroke = stroke_from_paint(atoms, layer.data.shape, state.info.frame, str(layer.mode), self._author_of())
        if stroke is not None:
            self._commit(layer, state, self._ways.widened(layer, stroke), is_shown=True)

    def take_merged(self, layer: Any, merged: Merged, tool: str) -> None:
        """Make one stroke of what `merge_into` found, and tell where the model contradicts the person."""
        if self.state(layer) is not None:
            self.apply_change(layer, merged.change, StrokeKind.MODEL, tool)
            self.merged.emit(layer, merged)

    def _on_data(self, layer: Any) -> None:
        """Keep labels that somebody put in place of the layer's: another plugin, or the console."""
        state = self.state(layer)
        if state is None:
            return
        shown = labels_on_grid(np.asarray(layer.data), state.info.frame)
        if shown.shape != state.labels.shape:
            return
        voxels = np.flatnonzero(shown != state.labels)
        if len(voxels):
            values = shown[np.unravel_index(voxels, shown.shape)]
            author = self._author_of()
            stroke = person_stroke(state.labels, voxels, values, StrokeKind.TOOL, author, "from outside")
            self._commit(layer, state, stroke, is_shown=True)

    def _step(self, layer: Any, state: LabelState, stroke: Stroke | None) -> bool:
        if stroke is None:
            return False
        self._commit(layer, state, stroke, is_shown=False)
        return True

    def _commit(self, layer: Any, state: LabelState, stroke: Stroke, *, is_shown: bool) -> None:
        was_dirty = state.is_dirty
        self._begin_base(state)
        state.commit(stroke)
        if not is_shown:
            show_values(layer, state, stroke.voxels)
        if not was_dirty:
            self.began.emit(layer)
        if state.problem:
            self._tell_problem()
        self.stroked.emit(layer, stroke)

    def _begin_base(self, state: LabelState) -> None:
        try:
            base_id = state.begin()
        except WriteError as error:
            state.problem = str(error)
            return
        if base_id:
            self._lane.add("", lambda: _save_base(state, base_id), on_failure=notify.complain)

    def _tell_problem(self) -> None:
        if not self._retry.isActive():
            notify.complain(f"Your painting is only in memory. {self.problem}")
            self._retry.start()
            self.problem_changed.emit(self.problem)

    def _try_again(self) -> None:
        still = [state for state in self._known() if not state.retry()]
        if not still:
            self._retry.stop()
            self.problem_changed.emit("")
            notify.tell("Your painting is on the disk again.")

    def _look_for_news(self) -> None:
        if self._is_looking or self._lane.is_busy:
            return
        states = self._known()
        if states:
            self._is_looking = True
            self._lane.add("", lambda: _news(states), self._take_news, self._on_no_news)

    def _on_no_news(self, message: str) -> None:
        self._is_looking = False

    def _take_news(self, found: list[tuple[LabelState, News]]) -> None:
        self._is_looking = False
        layers = {id(state): layer for layer, state in self._states.items()}
        for state, news in found:
            layer = layers.get(id(state))
            if layer is not None:
                voxels = state.take_in(news)
                if len(voxels):
                    show_values(layer, state, voxels)
                    whose = "of another window, or of one that was closed"
                    notify.tell(f"{len(news.strokes)} strokes {whose}, were added to {layer.name}.")
                    self.joined.emit(layer, voxels)


def show_values(layer: Any, state: LabelState, voxels: NDArray[np.int64]) -> None:
    """Write the state's values at voxels into the layer."""
    shown = labels_on_grid(layer.data, state.info.frame)
    shown[np.unravel_index(voxels, shown.shape)] = state.labels.reshape(-1)[voxels]
    layer.refresh(extent=False)


def _only(stroke: Stroke, chosen: NDArray[np.bool_]) -> Stroke:
    return Stroke(
        stroke.kind,
        stroke.voxels[chosen],
        stroke.before[chosen],
        stroke.after[chosen],
        stroke.author,
        stroke.at,
        stroke.tool,
    )


def _prepare(state: LabelState) -> Job[None]:
    yield Progress(0, 0)
    state.prepare()


def _compact(state: LabelState) -> Job[None]:
    yield Progress(0, 0)
    state.compact()


def _begin(state: LabelState) -> Job[None]:
    yield Progress(0, 0)
    base_id = state.begin()
    if base_id:
        state.save_base(base_id)


def merge_into(state: LabelState, prediction: LabelArray, box: Box | None) -> Job[Merged]:
    """Bring a model's labels together with what a person painted; on a worker."""
    from napari_medclf.engine.correct.lock import merge

    yield Progress(0, 0, "keeping what was painted")
    is_instances = state.segmentation.is_instances
    merged = merge(prediction, state.labels, state.origin, box=box, is_instances=is_instances)
    if not is_instances:
        state.hear(prediction, box)
    return merged


def _save_base(state: LabelState, base_id: str) -> Job[None]:
    yield Progress(0, 0)
    state.save_base(base_id)


def _news(states: list[LabelState]) -> Job[list[tuple[LabelState, News]]]:
    yield Progress(0, 0)
    found = []
    for state in states:
        news = state.news()
        if news:
            found.append((state, news))
    return found
