"""The strokes of one window on one image: append-only, and on the disk before the next one.

::

    strokes/<digest16>/<writer_id>.strokes   what one window wrote
    strokes/<digest16>/packed-*.strokes      files of windows that are closed, joined
    strokes/<digest16>/bases/<base_id>.npz   labels that strokes lie on
"""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from napari_medclf.domain.arrays import LabelArray
from napari_medclf.domain.errors import WriteError
from napari_medclf.domain.mark import Mark
from napari_medclf.domain.stroke import Stroke
from napari_medclf.domain.voxel_origin import OriginMap
from napari_medclf.store.files import safe_name
from napari_medclf.store.strokes.bases import BaseEntry, BaseInfo, BaseLabels, write_base
from napari_medclf.store.strokes.codec import decode, encode
from napari_medclf.store.strokes.history import Replayed, StrokeHistory
from napari_medclf.store.strokes.moment import JournalledMark, JournalledStroke, Moment, Seen, Step
from napari_medclf.store.strokes.records import Record, RecordKind, pack, pack_head
from napari_medclf.store.strokes.stroke_file import StrokeFile

__all__ = ["BaseInfo", "News", "Replayed", "Seen", "StrokeJournal"]

_MANY_FILES = 8
_HEAVY_BYTES = 1024**2
"""Some thousand strokes; reading and making them again takes a fraction of a second then."""
_MOST_RECENT = 1_000


@dataclass(frozen=True)
class News:
    """What others did since somebody looked last."""

    strokes: tuple[JournalledStroke, ...]
    marks: tuple[JournalledMark, ...]
    has_new_base: bool
    """Another window began with other labels: replay all."""
    seen: Seen

    def __bool__(self) -> bool:
        return bool(self.strokes or self.marks or self.has_new_base)


class StrokeJournal:
    """Appends one writer's strokes, and reads those of all; nothing is written until something is appended.

    Parameters
    ----------
    folder : Path
        The project's.
    image_digest : str
        SHA-256 of the image; its first 16 digits name the folder of the strokes.
    writer_id : str
        One for each window; nobody else may write under it at the same time.
    layer : str
        Which labels of the image, where there are several that must not mix; empty for the usual ones.

    Notes
    -----
    `append` and its like may be called on one thread while others read, save a base or compact.
    """

    def __init__(self, folder: Path, image_digest: str, writer_id: str, layer: str = "") -> None:
        self.writer_id = writer_id
        self.history = StrokeHistory(folder, image_digest, layer)
        self._tail = self.history.files
        head = pack_head(writer_id, image_digest, time.time_ns())
        self._own = StrokeFile(self._tail.file_of(writer_id), head)
        self._waiting: list[bytes] = []
        self._seq = 0
        self._clock_ns = 0
        self._shown: Seen | None = None
        self._recent: deque[JournalledStroke] = deque(maxlen=_MOST_RECENT)
        self._lock = threading.Lock()

    @classmethod
    def open(cls, folder: Path, image_digest: str, writer_id: str = "", layer: str = "") -> StrokeJournal:
        """Open the strokes on an image; an empty writer id takes a new one.

        Raises
        ------
        DatasetError
            If a file of strokes was written by a newer version.
        ReadError
            If one cannot be read.
        """
        journal = cls(folder, image_digest, safe_name(writer_id) if writer_id else _new_writer_id(), layer)
        for record in journal._tail.records():
            journal._clock_ns = max(journal._clock_ns, record.t_ns)
            if record.writer_id == journal.writer_id:
                journal._seq = max(journal._seq, record.seq)
        return journal

    def append(self, stroke: Stroke) -> int:
        """Put a stroke on the disk; when this returns, neither a kill nor a power cut can lose it.

        Returns
        -------
        int
            Which record of this writer it is, from 1 on.

        Raises
        ------
        WriteError
            If it cannot be written, as on a full disk. It is kept in memory and written before the next one, or by
            `retry`; what was appended earlier is not harmed.
        """
        try:
            return self._append(RecordKind.STROKE, encode(stroke))
        finally:  # also one that waits for room
            if stroke.is_of_person:
                self._recent.append(JournalledStroke(Moment(self._clock_ns, self.writer_id, self._seq), stroke))

    def append_mark(self, mark: Mark) -> int:
        """Put a class click on the disk; as `append`."""
        return self._append(RecordKind.MARK, mark.model_dump_json().encode())

    def append_heard(self, stroke: Stroke) -> int:
        """Write down what a model says now, with no change of the labels: voxels, its old values and its new ones.

        Disagreements with what a person painted, and whose word a voxel is, are known again after a crash by that.
        """
        return self._append(RecordKind.HEARD, encode(stroke))

    def append_saved(self, label_digest: str, version: str = "", seen: Seen | None = None) -> int:
        """Write down that the labels were saved as an answer: their digest, and the file's path in the project.

        Parameters
        ----------
        seen : Seen or None
            Which records of other windows are in the labels; None for all until now.
        """
        about = {"label_digest": label_digest, "version": version, "seen": None if seen is None else dict(seen.last)}
        return self._append(RecordKind.SAVED, json.dumps(about).encode())

    def begin_base(self, info: BaseInfo, seen: Seen | None = None) -> str:
        """Say that strokes from here on lie on other labels, such as a model's new answer; returns the base's id.

        It is a small record: the labels themselves follow by `save_base`, on a worker.

        Parameters
        ----------
        seen : Seen or None
            Which records of others the labels hold already; all of this writer's are taken for held.

        Raises
        ------
        WriteError
            As `append`.
        """
        held = (seen or Seen()).plus(Moment(0, self.writer_id, self._seq))
        return self._begin(BaseEntry(base_id=_new_base_id(), info=info, seen=dict(held.last)))

    def save_base(
        self, base_id: str, labels: LabelArray, origin: OriginMap | None = None, model_labels: LabelArray | None = None
    ) -> None:
        """Write the labels of a base; slow for large ones, and safe on another thread than `append`'s.

        Raises
        ------
        WriteError
            If they cannot be written; strokes are kept all the same.
        """
        write_base(self._tail.base(base_id), BaseLabels(labels, origin, model_labels))

    def retry(self) -> int:
        """Write what could not be written before; returns how many records that were.

        Raises
        ------
        WriteError
            If there is no room yet.
        """
        with self._lock:
            n_waiting = len(self._waiting)
            if n_waiting:
                self._flush()
            return n_waiting

    @property
    def n_waiting(self) -> int:
        """How many records are in memory only, because they could not be written yet."""
        return len(self._waiting)

    def base(self) -> BaseEntry | None:
        """What the newest strokes lie on; None where nobody said."""
        return self.history.base()

    def is_unsaved(self) -> bool:
        """Whether somebody painted or clicked since the labels were saved as an answer the last time."""
        return self.history.is_unsaved()

    def strokes(self, until: Moment | None = None) -> Iterator[JournalledStroke]:
        """Yield the strokes of all writers in the order of time, as `StrokeHistory.strokes`."""
        return self.history.strokes(until)

    def moments(self) -> tuple[Step, ...]:
        """What can be gone back to, as `StrokeHistory.moments`."""
        return self.history.moments()

    def replay(self, base: LabelArray | None = None, until: Moment | None = None) -> Replayed:
        """Make the labels again, as `StrokeHistory.replay`."""
        return self.history.replay(base, until)

    def changed_since(self, seen: Seen) -> News:
        """Tell what other writers did that somebody has not seen; cheap enough to ask each second.

        Voxels that this writer's person painted later are left out of their strokes: the last word counts, as in a
        replay, whoever asks when.

        Parameters
        ----------
        seen : Seen
            Of a `Replayed`, or of the `News` before.
        """
        if seen is not self._shown:  # somebody asks from another place in history than last time
            self._tail.rewind()
        fresh = [record for record in self._tail.new_records(seen) if record.writer_id != self.writer_id]
        for record in fresh:
            self._clock_ns = max(self._clock_ns, record.t_ns)
            seen = seen.plus(record.moment)
        self._shown = seen
        bases = [BaseEntry.model_validate_json(one.body) for one in fresh if one.kind is RecordKind.BASE]
        return News(
            tuple(self._trimmed(one) for one in fresh if one.kind is RecordKind.STROKE),
            tuple(
                JournalledMark(one.moment, Mark.model_validate_json(one.body))
                for one in fresh
                if one.kind is RecordKind.MARK
            ),
            any(not entry.info.is_checkpoint for entry in bases),
            seen,
        )

    def compact(self) -> int:
        """Make opening fast again: a checkpoint of the labels, and one file for all windows that are closed.

        Every stroke is kept, so any moment can still be restored.

        Returns
        -------
        int
            How many files went.

        Raises
        ------
        WriteError
            If something cannot be written; nothing is lost then.
        """
        now = self.replay()
        if now.n_strokes and now.base is not None:
            changes = {"is_checkpoint": True, "is_empty": False, "label_digest": "", "dtype": now.labels.dtype.str}
            info = now.base.model_copy(update=changes)
            entry = BaseEntry(base_id=_new_base_id(), info=info, seen=dict(now.seen.last))
            self.save_base(entry.base_id, now.labels, now.origin, now.model_labels)
            self._begin(entry)
        return self._tail.pack()

    def compact_if_heavy(self, most_bytes: int = _HEAVY_BYTES) -> bool:
        """Compact where much lies on the newest base, and all of it was saved as an answer; returns whether it did.

        What nobody accepted stays as it is: taking back a stroke needs the strokes before it, one by one.

        Raises
        ------
        ReadError, WriteError
            As `compact`.
        """
        if self._tail.n_bytes() <= most_bytes or self.is_unsaved():
            return False
        entry = self.base()
        held = Seen(entry.seen if entry else {})
        loose = (one for one in self._tail.records() if one.kind is RecordKind.STROKE and not held.covers(one.moment))
        if sum(len(one.body) for one in loose) <= most_bytes:
            return False
        self.compact()
        return True

    def tidy(self, most_files: int = _MANY_FILES) -> int:
        """Join the files of closed windows where there are many; returns how many went. For a worker.

        Raises
        ------
        WriteError
            As `compact`.
        """
        return self._tail.pack() if len(self._tail.paths()) > most_files else 0

    def close(self) -> None:
        """Let go of this writer's file."""
        self._own.close()

    def _trimmed(self, record: Record) -> JournalledStroke:
        stroke = decode(record.body)
        later = [one.stroke.voxels for one in list(self._recent) if one.moment > record.moment]
        if not later:
            return JournalledStroke(record.moment, stroke)
        stays = ~np.isin(stroke.voxels, np.concatenate(later))
        voxels, before, after = stroke.voxels[stays], stroke.before[stays], stroke.after[stays]
        return JournalledStroke(record.moment, replace(stroke, voxels=voxels, before=before, after=after))

    def _begin(self, entry: BaseEntry) -> str:
        self._append(RecordKind.BASE, entry.model_dump_json().encode())
        return entry.base_id

    def _append(self, kind: RecordKind, body: bytes) -> int:
        with self._lock:
            self._seq += 1
            self._clock_ns = max(self._clock_ns + 1, time.time_ns())
            self._waiting.append(pack(kind, self._seq, self._clock_ns, body))
            self._flush()
            return self._seq

    def _flush(self) -> None:
        try:
            self._own.append(b"".join(self._waiting))
        except OSError as error:
            raise WriteError(
                f"{self._own.path}: cannot be written ({error.strerror or error}). {len(self._waiting)} strokes are in "
                "memory only; make room, and they are written with the next one."
            ) from error
        self._waiting.clear()


def _new_writer_id() -> str:
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:8]}"


def _new_base_id() -> str:
    return uuid.uuid4().hex[:16]
