"""What all writers did on one image, in the order of time, and the labels at any moment of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from napari_medclf.domain.arrays import LabelArray
from napari_medclf.domain.errors import ReadError
from napari_medclf.domain.mark import Mark
from napari_medclf.domain.voxel_origin import OriginMap
from napari_medclf.store.files import safe_name
from napari_medclf.store.strokes.bases import BaseEntry, BaseInfo, BaseLabels, JournalledBase, empty_base, read_base
from napari_medclf.store.strokes.codec import decode
from napari_medclf.store.strokes.moment import (
    JournalledMark,
    JournalledSaved,
    JournalledStroke,
    Moment,
    Seen,
    Step,
    View,
)
from napari_medclf.store.strokes.records import Record, RecordKind
from napari_medclf.store.strokes.replay import Corrected
from napari_medclf.store.strokes.stroke_folder import StrokeFolder

_FOLDER = "strokes"
_DIGEST_CHARACTERS = 16


@dataclass(frozen=True, eq=False)
class Replayed:
    """Labels made from a base and strokes.

    Parameters
    ----------
    labels, origin : (K, J, I) arrays
        What painting had come to, and who each voxel comes from (`VoxelOrigin`).
    model_labels : (K, J, I) array or None
        What the newest model said.
    base : BaseInfo or None
        What the strokes lie on; None where only the caller knew.
    seen : Seen
        The records that are in it.
    n_strokes : int
        How many were applied to the base.
    notes : tuple of str
        What could not be used, as sentences.
    """

    labels: NDArray[Any]
    origin: OriginMap
    model_labels: NDArray[Any] | None
    base: BaseInfo | None
    seen: Seen
    n_strokes: int
    notes: tuple[str, ...] = ()

    def corrected(self) -> Corrected:
        """Go on painting from here."""
        return Corrected(self.labels, self.origin, self.model_labels)


@dataclass(frozen=True)
class StrokeHistory:
    """Reads the strokes on one image; writes nothing, and needs no folder to be there.

    Parameters
    ----------
    project : Path
        The project's folder.
    image_digest : str
        SHA-256 of the image; the first 16 digits are enough.
    layer : str
        Which labels of the image, where there are several that must not mix; empty for the usual ones.
    """

    project: Path
    image_digest: str
    layer: str = ""

    @property
    def files(self) -> StrokeFolder:
        """The files behind it."""
        return StrokeFolder(strokes_folder(self.project, self.image_digest, self.layer))

    def strokes(self, until: Moment | None = None) -> Iterator[JournalledStroke]:
        """Yield the strokes of all writers in the order of time.

        Raises
        ------
        ReadError, DatasetError
            If a file cannot be read, or was written by a newer version.
        """
        for record in self._records(until, RecordKind.STROKE):
            yield JournalledStroke(record.moment, decode(record.body))

    def marks(self, until: Moment | None = None) -> Iterator[JournalledMark]:
        """Yield the class clicks of all writers in the order of time."""
        for record in self._records(until, RecordKind.MARK):
            yield JournalledMark(record.moment, Mark.model_validate_json(record.body))

    def saved(self, until: Moment | None = None) -> Iterator[JournalledSaved]:
        """Yield when labels were saved as an answer, with their digests."""
        for record in self._records(until, RecordKind.SAVED):
            about = json.loads(record.body)
            seen = about.get("seen")
            known = None if seen is None else Seen(seen)
            yield JournalledSaved(record.moment, about["label_digest"], about["version"], known)

    def bases(self, until: Moment | None = None) -> Iterator[JournalledBase]:
        """Yield what was put under the strokes, in the order of time."""
        for record in self._records(until, RecordKind.BASE):
            yield JournalledBase(record.moment, BaseEntry.model_validate_json(record.body))

    def base(self) -> BaseEntry | None:
        """What the newest strokes lie on; None where nobody said."""
        bases = list(self.bases())
        return bases[-1].entry if bases else None

    def is_unsaved(self) -> bool:
        """Whether somebody painted or clicked since the labels were saved as an answer the last time."""
        said = (RecordKind.STROKE, RecordKind.MARK, RecordKind.SAVED)
        kinds = [record.kind for record in self._records(None) if record.kind in said]
        return bool(kinds) and kinds[-1] is not RecordKind.SAVED

    def moments(self) -> tuple[Step, ...]:
        """What can be gone back to: every stroke of all writers, oldest first."""
        return tuple(
            Step(one.moment, one.stroke.kind, one.stroke.author, one.stroke.tool, len(one.stroke))
            for one in self.strokes()
        )

    def replay(self, base: LabelArray | None = None, until: Moment | None = None, view: View | None = None) -> Replayed:
        """Make the labels again as they were at a moment, by default now.

        Parameters
        ----------
        base : (K, J, I) integer or None
            What all strokes lie on, where the journal's own base is not wanted or is not on the disk.
        until : Moment or None
            The last moment to be taken in.
        view : View or None
            As one window showed it; None for all that all windows did.

        Raises
        ------
        ReadError
            If no base is given and none is on the disk: the strokes are there, but what they lie on is not.
        """
        entry, start, notes = (None, BaseLabels(base), ()) if base is not None else self._start(until, view)
        corrected = Corrected(start.labels, start.origin, start.model_labels)
        held = seen = Seen(entry.seen if entry else {})
        n_strokes = 0
        for record in self._records(until):
            if view is not None and not view.shows(record.moment):
                continue
            seen = seen.plus(record.moment)
            if record.kind is RecordKind.STROKE and not held.covers(record.moment):
                corrected.apply(decode(record.body))
                n_strokes += 1
            elif record.kind is RecordKind.HEARD and not held.covers(record.moment):
                corrected.hear(decode(record.body))
        return Replayed(
            corrected.labels,
            corrected.origin,
            corrected.model_labels,
            entry.info if entry else None,
            seen,
            n_strokes,
            (*notes, *self.files.notes()),
        )

    def _records(self, until: Moment | None, kind: RecordKind | None = None) -> Iterator[Record]:
        for record in self.files.in_order():
            if until is not None and record.moment > until:
                return
            if kind is None or record.kind is kind:
                yield record

    def _start(self, until: Moment | None, view: View | None) -> tuple[BaseEntry, BaseLabels, tuple[str, ...]]:
        """Find the newest base that is on the disk; strokes that a lost one would have held are applied again."""
        notes: list[str] = []
        for one in _newest_first(list(self.bases(until)), view):
            if one.entry.info.is_empty:
                return one.entry, empty_base(one.entry.info), tuple(notes)
            try:
                return one.entry, read_base(self.files.base(one.entry.base_id)), tuple(notes)
            except ReadError as error:
                if not one.entry.info.is_checkpoint:
                    notes.append(str(error))
        raise ReadError(
            self.files.folder,
            "the labels that painting began with are not on the disk",
            "Run the model again; the strokes are kept, and are put on its labels.",
        )


def _newest_first(bases: list[JournalledBase], view: View | None) -> list[JournalledBase]:
    """Order bases by how likely they are what strokes lie on; a window goes on from its own."""
    found = bases[::-1]
    if view is None:
        return found
    own = [one for one in found if one.moment.writer_id == view.writer_id]
    return own or [one for one in found if view.shows(one.moment)]


def strokes_folder(project: Path, image_digest: str, layer: str = "") -> Path:
    """Where the strokes on an image are."""
    start = image_digest[:_DIGEST_CHARACTERS]
    return project / _FOLDER / (f"{start}.{safe_name(layer)}" if layer else start)


def painted_images(project: Path) -> tuple[tuple[str, str], ...]:
    """What somebody painted on in a project: the first 16 digits of an image's digest, and the layer."""
    folder = project / _FOLDER
    names = sorted(path.name for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []
    return tuple((start, layer) for start, _, layer in (name.partition(".") for name in names))
