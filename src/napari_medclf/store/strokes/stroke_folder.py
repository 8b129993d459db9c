"""All files of strokes on one image: read together, joined when their writers are gone."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path

from napari_medclf.atomic import atomic_write, is_temporary, sync_folder
from napari_medclf.domain.errors import ReadError, WriteError
from napari_medclf.store.file_lock import FileLock
from napari_medclf.store.strokes.moment import Seen
from napari_medclf.store.strokes.records import Record, Scan, pack, pack_head, scan
from napari_medclf.store.strokes.stroke_file import SUFFIX, lock_of

_PACKED = "packed-"
_MOST_TRIES = 100


@dataclass
class _Place:
    """How far a file was read by `new_records`."""

    end: int = 0
    writer_id: str = ""


@dataclass
class StrokeFolder:
    """The folder ``strokes/<digest16>`` of a project; need not be there yet."""

    folder: Path
    _places: dict[Path, _Place] = field(default_factory=dict)

    def file_of(self, writer_id: str) -> Path:
        """Where a writer's records go."""
        return self.folder / f"{writer_id}{SUFFIX}"

    def base(self, base_id: str) -> Path:
        """Where the labels of a base are."""
        return self.folder / "bases" / f"{base_id}.npz"

    def paths(self) -> list[Path]:
        """Files of strokes, by name."""
        if not self.folder.is_dir():
            return []
        return sorted(path for path in self.folder.glob(f"*{SUFFIX}") if not is_temporary(path))

    def n_bytes(self) -> int:
        """Size of all files of strokes; those that vanish meanwhile count nothing."""
        total = 0
        for path in self.paths():
            with suppress(OSError):
                total += path.stat().st_size
        return total

    def records(self) -> list[Record]:
        """All records, each once, file by file."""
        return [record for one in self._scans() for record in one.records]

    def in_order(self) -> list[Record]:
        """All records, each once, in the order of time."""
        return sorted(self.records(), key=lambda one: one.moment)

    def rewind(self) -> None:
        """Let `new_records` look at all files from their beginning again."""
        self._places.clear()

    def new_records(self, seen: Seen) -> list[Record]:
        """Records that were not seen, in the order of time; of files that grew, only what is new is read."""
        fresh: dict[tuple[str, int], Record] = {}
        for path in self.paths():
            for record in self._read_on(path):
                if not seen.covers(record.moment):
                    fresh[record.key] = record
        return sorted(fresh.values(), key=lambda one: one.moment)

    def notes(self) -> tuple[str, ...]:
        """What is damaged, as sentences."""
        scans = [(path, _scan(path)) for path in self.paths()]
        return tuple(
            f"{path.name}: {found.n_damaged} bytes between strokes are damaged and were left out."
            for path, found in scans
            if found is not None and found.n_damaged
        )

    def pack(self) -> int:
        """Join the files of writers that are gone into one; returns how many went.

        Raises
        ------
        WriteError
            If the joined file cannot be written; the others are there then.
        """
        try:
            with ExitStack() as held:
                gone = [path for path in self.paths() if _hold(path, held)]
                return self._join(gone) if len(gone) > 1 else 0
        except OSError as error:
            raise WriteError(f"{self.folder}: cannot be written ({error.strerror or error}).") from error

    def _join(self, gone: list[Path]) -> int:
        scans = [found for found in map(_scan, gone) if found is not None]
        if any(one.n_damaged for one in scans):
            return 0  # what somebody may want to look at by hand stays as it is
        target = self.folder / f"{_PACKED}{uuid.uuid4().hex[:12]}{SUFFIX}"
        atomic_write(target, b"".join(_pieces(scans)))
        n_removed = 0
        for path in gone:
            with suppress(OSError):  # a file that stays is read once all the same
                path.unlink()
                n_removed += 1
        with suppress(OSError):
            sync_folder(self.folder)
        return n_removed

    def _scans(self) -> list[Scan]:
        """Read all files; another window may join some while we read, and then we look again."""
        for _ in range(_MOST_TRIES):
            scans = [_scan(path) for path in self.paths()]
            if None not in scans:
                return list(_each_once([one for one in scans if one is not None]))
        raise ReadError(self.folder, "its files vanish while they are read", "Try again.")

    def _read_on(self, path: Path) -> tuple[Record, ...]:
        place = self._places.setdefault(path, _Place())
        try:
            if path.stat().st_size == place.end:
                return ()
            with path.open("rb") as file:
                file.seek(place.end)
                found = scan(file.read(), place.writer_id)
        except FileNotFoundError:  # joined by another window: it stands in the joined file, next time at the latest
            return ()
        except OSError as error:
            raise ReadError(path, f"cannot be read ({error.strerror or error})") from error
        self._places[path] = _Place(place.end + found.end, found.writer_id)
        return found.records


def _scan(path: Path) -> Scan | None:
    try:
        return scan(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ReadError(path, f"cannot be read ({error.strerror or error})") from error


def _hold(path: Path, held: ExitStack) -> bool:
    """Keep a writer from coming back to its file while it is joined; False where one writes."""
    lock = FileLock(lock_of(path))
    if not lock.take(wait=False):
        return False
    held.callback(lock.free, remove=True)
    return True


def _each_once(scans: list[Scan]) -> Iterator[Scan]:
    """Leave out what stands in an earlier file too: a kill can leave joined files beside what they were joined to."""
    known: set[tuple[str, int]] = set()
    for one in scans:
        fresh = tuple(record for record in one.records if record.key not in known)
        known.update(record.key for record in fresh)
        yield Scan(fresh, one.end, one.n_damaged, one.writer_id, one.image_digest)


def _pieces(scans: list[Scan]) -> Iterator[bytes]:
    writer_id = ""
    for one in _each_once(scans):
        for record in one.records:
            if record.writer_id != writer_id:
                writer_id = record.writer_id
                yield pack_head(writer_id, one.image_digest, record.t_ns)
            yield pack(record.kind, record.seq, record.t_ns, record.body)
