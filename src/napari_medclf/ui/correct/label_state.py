"""Labels under correction as the window holds them: a layer's state, its journal, and what can be taken back."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_medclf.bridge.layer_info import LayerInfo
from napari_medclf.bridge.strokes import now_ms
from napari_medclf.domain.arrays import LabelArray
from napari_medclf.domain.errors import WriteError
from napari_medclf.domain.image import MedImage
from napari_medclf.domain.results import Segmentation
from napari_medclf.domain.stroke import Stroke, StrokeKind
from napari_medclf.domain.voxel_origin import OriginMap
from napari_medclf.engine.correct.change import Box
from napari_medclf.store.strokes.bases import BaseInfo
from napari_medclf.store.strokes.journal import News, Replayed, StrokeJournal
from napari_medclf.store.strokes.moment import Seen
from napari_medclf.store.strokes.replay import Corrected

_MOST_UNDO = 100  # napari keeps as many


@dataclass(frozen=True, eq=False)
class Recovered:
    """Painting that nobody accepted, made again from a journal.

    Parameters
    ----------
    folder : Path
        Of the project whose journal it is.
    history : tuple of Stroke
        What was done since the last answer was saved, oldest first.
    last_s : float
        When the last of it was done; seconds since 1970 UTC.
    """

    folder: Path
    replayed: Replayed
    history: tuple[Stroke, ...]
    last_s: float


@dataclass(eq=False)
class LabelState:
    """One labels layer that is corrected.

    Parameters
    ----------
    image : MedImage
        Which image it is about; its digest may still be unknown.
    info : LayerInfo
        What the layer showed at first.
    folder : Path
        The project whose journal the strokes go to.
    window_id, writer_id : str
        Of the window, and of this layer in the journal: the window's with something added.
    journal_layer : str
        Which strokes on the image, where some are kept apart: see `recovery.blind_layer`.
    recovered : Recovered or None
        Painting to go on with.

    Notes
    -----
    `prepare` may run on a worker while the window goes on; everything else belongs to the GUI thread.
    """

    image: MedImage
    info: LayerInfo
    folder: Path
    window_id: str
    writer_id: str
    journal_layer: str = ""
    recovered: Recovered | None = None
    n_strokes: int = 0
    """Of a person, since the layer was shown."""
    n_commits: int = 0
    problem: str = ""
    """Why strokes are in memory only; empty where all are on the disk."""
    is_dirty: bool = False
    undone: list[Stroke] = field(default_factory=list)
    done: deque[Stroke] = field(default_factory=lambda: deque(maxlen=_MOST_UNDO))
    _corrected: Corrected | None = None
    _journal: StrokeJournal | None = None
    _base_id: str = ""
    _seen: Seen = field(default_factory=Seen)
    _saved: Seen = field(default_factory=Seen)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def __post_init__(self) -> None:
        if self.recovered is not None:
            self.is_dirty = True
            self._base_id = "of the journal"
            _rebuild(self.recovered.history, self.done, self.undone)

    @property
    def segmentation(self) -> Segmentation:
        """What the layer showed at first."""
        assert self.info.segmentation is not None
        return self.info.segmentation

    @property
    def corrected(self) -> Corrected:
        """Labels, origins and the model's answer as they are now, on the image's grid."""
        self.prepare()
        assert self._corrected is not None
        return self._corrected

    @property
    def labels(self) -> NDArray[Any]:
        """(K, J, I) labels; to be read, and changed by strokes only."""
        return self.corrected.labels

    @property
    def origin(self) -> OriginMap:
        """(K, J, I) values of `VoxelOrigin`; what is not 0 is locked."""
        return self.corrected.origin

    @property
    def model_labels(self) -> NDArray[Any] | None:
        """(K, J, I) what the newest model says; None where none has spoken."""
        return self.corrected.model_labels

    def prepare(self) -> None:
        """Make the state and open the journal, once; slow for large images, so a worker does it ahead."""
        with self._lock:
            if self._corrected is not None:
                return
            self._open_journal()
            if self.recovered is not None:
                self._corrected, self._seen = self.recovered.replayed.corrected(), self.recovered.replayed.seen
                return
            said = self.info.prediction.segmentation if self.info.prediction is not None else None
            origins = self.info.voxel_origins
            self._corrected = Corrected(self.segmentation.labels, origins, None if said is None else said.labels)

    def begin(self) -> str:
        """Write down what strokes lie on, before the first of them; returns the base whose labels must follow."""
        with self._lock:
            self.prepare()
            if self._base_id or self._journal is None:
                return ""
            info = self._base_info()
            self._base_id = self._journal.begin_base(info, self._known())
            return "" if info.is_empty else self._base_id

    def save_base(self, base_id: str) -> None:
        """Write the labels that painting began with; on a worker, while strokes arrive."""
        said = self.info.prediction.segmentation if self.info.prediction is not None else None
        if self._journal is not None:
            model_labels = None if said is None else said.labels
            self._journal.save_base(base_id, self.segmentation.labels, self.info.voxel_origins, model_labels)
            self._journal.tidy()

    def commit(self, stroke: Stroke) -> None:
        """Put a stroke on the disk, and then into the state.

        Notes
        -----
        Where the disk refuses, `problem` says why, and the stroke stays in memory until `retry` gets it written.
        """
        self.prepare()
        if self._journal is not None:
            try:
                self._journal.append(stroke)
                self.problem = ""
            except WriteError as error:
                self.problem = str(error)
        self.corrected.apply(stroke)
        self.is_dirty = True
        self.n_commits += 1
        if stroke.kind not in (StrokeKind.UNDO, StrokeKind.REDO):
            self.n_strokes += stroke.is_of_person
            self.done.append(stroke)
            self.undone.clear()

    def retry(self) -> bool:
        """Try again to write what is in memory only; whether all is on the disk now."""
        if self._journal is not None and self.problem:
            try:
                self._journal.retry()
                self.problem = ""
            except WriteError as error:
                self.problem = str(error)
        return not self.problem

    def taken_back(self, author: str) -> Stroke | None:
        """The stroke that takes the last one back, to be committed; None where there is nothing to take back.

        Voxels that somebody else changed since are left alone.
        """
        while self.done:
            last = self.done.pop()
            undo = self._live(last, last.after, last.before, StrokeKind.UNDO, author)
            if undo is not None:
                self.undone.append(last)
                return undo
        return None

    def made_again(self, author: str) -> Stroke | None:
        """The stroke that does again what was taken back last; None where there is none."""
        while self.undone:
            last = self.undone.pop()
            redo = self._live(last, last.before, last.after, StrokeKind.REDO, author)
            if redo is not None:
                self.done.append(last)
                return redo
        return None

    def hear(self, prediction: LabelArray, box: Box | None) -> None:
        """Remember what a model says now, also where a person has the last word."""
        corrected = self.corrected
        before = np.zeros_like(corrected.labels) if corrected.model_labels is None else corrected.model_labels
        now = before.astype(np.promote_types(before.dtype, prediction.dtype))
        now[box if box is not None else ...] = prediction
        voxels = np.flatnonzero(now != before)
        said = Stroke(StrokeKind.MODEL, voxels, before.reshape(-1)[voxels], now.reshape(-1)[voxels], at=now_ms())
        corrected.hear(said)
        if self._journal is not None and self._base_id:
            with suppress(WriteError):  # kept in memory, and written with the next stroke
                self._journal.append_heard(said)

    def news(self) -> News | None:
        """What other windows did on this image since we looked last; on a worker."""
        journal = self._journal
        return None if journal is None or self._corrected is None else journal.changed_since(self._seen)

    def take_in(self, news: News) -> NDArray[np.int64]:
        """Apply what others did; returns the voxels that became different."""
        self._seen = news.seen
        fresh = [one.stroke for one in news.strokes if not one.writer_id.startswith(self.window_id)]
        for stroke in fresh:
            self.corrected.apply(stroke)
            self.is_dirty = True
        return np.unique(np.concatenate([one.voxels for one in fresh])) if fresh else np.zeros(0, np.int64)

    def mark_saved(self, label_digest: str) -> None:
        """Write down that the labels are an answer now, so that they are not restored as unsaved painting."""
        self.is_dirty = False
        if self._journal is not None and self._base_id:
            self._journal.append_saved(label_digest, seen=self._seen)

    def close(self) -> None:
        """Let go of the journal's file."""
        with self._lock:
            if self._journal is not None:
                self._journal.close()

    def compact(self) -> None:
        """Make the strokes on this image quick to read again, once its journal was closed; on a worker."""
        if self._journal is not None and not self.is_dirty:
            journal = StrokeJournal.open(self.folder, self.image.source.digest, layer=self.journal_layer)
            try:
                journal.compact_if_heavy()
            finally:
                journal.close()

    def _open_journal(self) -> None:
        from napari_medclf.io.digest import with_digest

        self.image = with_digest(self.image)
        self._journal = StrokeJournal.open(self.folder, self.image.source.digest, self.writer_id, self.journal_layer)
        saved = list(self._journal.history.saved())
        if saved:
            for one in self._journal.history.strokes(saved[-1].moment):
                self._saved = self._saved.plus(one.moment)
        self._seen = self._saved

    def _known(self) -> Seen:
        """What the labels hold, or leave behind on purpose: saved strokes, and this window's on other layers."""
        known = self._saved
        for one in self._journal.history.strokes() if self._journal is not None else ():
            if one.writer_id.startswith(self.window_id):
                known = known.plus(one.moment)
        return known

    def _base_info(self) -> BaseInfo:
        shown, prediction = self.segmentation, self.info.prediction
        is_empty = prediction is None and not shown.labels.any()
        return BaseInfo(
            shape=shown.labels.shape,
            dtype=shown.labels.dtype.str,
            is_empty=is_empty,
            model=prediction.model if prediction else "",
            model_version=prediction.model_version if prediction else "",
            weights_sha256=prediction.weights_sha256 if prediction else "",
            classes=shown.schema,
            is_instances=shown.is_instances,
            name=shown.name,
        )

    def _live(self, of: Stroke, now: NDArray[Any], then: NDArray[Any], kind: StrokeKind, author: str) -> Stroke | None:
        is_live = self.labels.reshape(-1)[of.voxels] == now
        if not is_live.any():
            return None
        voxels, before, after = of.voxels[is_live], now[is_live], then[is_live]
        return Stroke(kind, voxels, before, after, author=author, at=now_ms(), tool=of.tool)


def _rebuild(history: Iterable[Stroke], done: deque[Stroke], undone: list[Stroke]) -> None:
    """Find out what could be taken back when painting stopped."""
    for stroke in history:
        if stroke.kind is StrokeKind.UNDO:
            if done:
                undone.append(done.pop())
        elif stroke.kind is StrokeKind.REDO:
            if undone:
                done.append(undone.pop())
        else:
            done.append(stroke)
            undone.clear()


def person_stroke(
    labels: NDArray[Any], voxels: NDArray[np.int64], after: Any, kind: StrokeKind, author: str, tool: str
) -> Stroke:
    """Make a stroke that gives voxels new values.

    Parameters
    ----------
    labels : (K, J, I) integer
        As they are now.
    after : int or (N,) integer
    """
    before = labels.reshape(-1)[voxels]
    values = np.broadcast_to(np.asarray(after), before.shape).astype(np.int64)
    return replace(Stroke(kind, voxels, before, values), author=author, at=now_ms(), tool=tool)
