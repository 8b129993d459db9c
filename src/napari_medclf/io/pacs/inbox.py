"""The folder where received objects of one series go: checked, whole, and never fetched twice."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from napari_medclf.atomic import append_line, atomic_writer, sweep
from napari_medclf.domain.errors import ReadError
from napari_medclf.domain.pacs import Arrival, InstanceRow, is_uid
from napari_medclf.io.pacs.received import check_received, told_uid

_LEDGER = ".received.jsonl"
_HEAD_BYTES = 4096
_STRAY = "the server sent something that was not asked for; it was not kept"


@dataclass(frozen=True)
class Inbox:
    """Takes what was asked for and nothing else.

    Names of files are hashes of their SOP Instance UIDs: what a server sends decides on no name and no
    folder. Each file is written beside its place, read again, and renamed only when it is whole and is
    the object that was asked for.

    Parameters
    ----------
    folder : Path
        Made when the first object arrives.
    wanted : tuple of InstanceRow
        Of one series.
    """

    folder: Path
    wanted: tuple[InstanceRow, ...]
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    def missing(self) -> tuple[InstanceRow, ...]:
        """What is not here yet, or no longer as it was received."""
        sweep(self.folder)  # what a killed process left half-written
        received = self._read_ledger()
        return tuple(row for row in self.wanted if not self._is_here(row.sop_uid, received.get(row.sop_uid)))

    def path_of(self, sop_uid: str) -> Path:
        """Where an object goes."""
        return self.folder / f"{hashlib.sha256(sop_uid.encode()).hexdigest()[:32]}.dcm"

    def keep(self, chunks: Iterable[bytes]) -> Arrival:
        """Write one DICOM file that comes in pieces, if it is one that was asked for.

        The reason of an arrival without a file says what was wrong. The pieces are taken to their end
        only when the file is kept.
        """
        source = iter(chunks)
        head = bytearray()
        for chunk in source:
            head += chunk
            if len(head) >= _HEAD_BYTES:
                break
        sop_uid = told_uid(bytes(head))
        row = next((one for one in self.wanted if one.sop_uid == sop_uid), None)
        if row is None:
            shown = sop_uid if is_uid(sop_uid) else ""
            return Arrival(shown, reason=_STRAY, is_stray=True)
        try:
            return self._write(row, bytes(head), source)
        except ReadError as error:
            return Arrival(sop_uid, reason=error.reason)

    def _write(self, row: InstanceRow, head: bytes, rest: Iterable[bytes]) -> Arrival:
        path, digest = self.path_of(row.sop_uid), hashlib.sha256()
        with atomic_writer(path) as file:
            n_bytes = _copy(file, head, digest)
            for chunk in rest:
                n_bytes += _copy(file, chunk, digest)
            file.flush()
            check_received(Path(file.name), row)
        line = {"sop_uid": row.sop_uid, "n_bytes": n_bytes, "sha256": digest.hexdigest()}
        with self._lock:
            append_line(self.folder / _LEDGER, json.dumps(line))
        return Arrival(row.sop_uid, path=str(path))

    def _read_ledger(self) -> dict[str, dict[str, Any]]:
        entries: dict[str, dict[str, Any]] = {}
        with suppress(OSError):
            for line in (self.folder / _LEDGER).read_text(errors="replace").splitlines():
                with suppress(ValueError, KeyError, TypeError):  # a kill can tear the last line
                    entry = json.loads(line)
                    entries[entry["sop_uid"]] = entry
        return entries

    def _is_here(self, sop_uid: str, entry: dict[str, Any] | None) -> bool:
        path = self.path_of(sop_uid)
        if entry is None or not path.is_file() or path.stat().st_size != entry.get("n_bytes"):
            return False
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == entry.get("sha256")


def _copy(file: BinaryIO, chunk: bytes, digest: Any) -> int:
    file.write(chunk)
    digest.update(chunk)
    return len(chunk)
