"""Who did what when, on which digests: an append-only trail whose entries carry the hash of the one before."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from napari_medclf.atomic import append_line
from napari_medclf.domain.errors import DatasetError, WriteError
from napari_medclf.store.authorship import current_author
from napari_medclf.store.file_lock import locked

AUDIT = "audit.jsonl"
_LOCK = ".audit.lock"
_TAIL_BYTES = 1 << 16
_FIRST = "0" * 64


class AuditEntry(BaseModel):
    """One line of the trail.

    Parameters
    ----------
    n : int
        From 1 on, without a gap.
    at : str
        UTC, ISO 8601, to the millisecond.
    who : str
        As on annotations: the user of the computer or a chosen pseudonym.
    what : str
        Such as ``annotation``, ``mark``, ``lock``, ``model``, ``switch``, ``hold-out``, ``export``.
    about : str
        Case or revision; never a patient's name.
    digests : dict
        Of what it is about, by their names in the entry.
    files : dict
        Path in the project to SHA-256 of the file.
    journal, at_byte, n_bytes, line_sha256 : str, int, int, str
        Which line of which journal of the project this stands for, and where it was to be; empty for none.
    prev, sha256 : str
        Hash of the entry before, and of this one without this field.
    """

    model_config = ConfigDict(frozen=True)

    schema_version: Literal[1] = 1
    n: int
    at: str
    who: str
    what: str
    about: str = ""
    digests: dict[str, str] = Field(default_factory=dict)
    files: dict[str, str] = Field(default_factory=dict)
    journal: str = ""
    at_byte: int = 0
    n_bytes: int = 0
    line_sha256: str = ""
    prev: str
    sha256: str = ""

    def hashed(self) -> str:
        """SHA-256 of all fields but `sha256`."""
        return hashlib.sha256(self.model_dump_json(exclude={"sha256"}).encode()).hexdigest()


class JournalLine(BaseModel):
    """Which line of which journal an entry stands for."""

    model_config = ConfigDict(frozen=True)

    journal: str
    at_byte: int
    n_bytes: int
    line_sha256: str


class AuditLog:
    """``audit.jsonl`` of a project.

    Parameters
    ----------
    folder : Path
        The project's.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / AUDIT

    def append(
        self,
        what: str,
        *,
        who: str = "",
        about: str = "",
        digests: Mapping[str, str] | None = None,
        files: Mapping[str, str] | None = None,
    ) -> AuditEntry:
        """Write down that something was done; when this returns, it is on the disk.

        Raises
        ------
        WriteError
            If it cannot be written.
        """
        try:
            with self.locked():
                return self.append_locked(what, who=who, about=about, digests=digests, files=files)
        except OSError as error:
            raise WriteError(f"{self.path}: cannot be written ({error.strerror or error}).") from error

    def locked(self) -> AbstractContextManager[None]:
        """Keep other windows from writing to the trail and to the journals that it stands for."""
        return locked(self.folder / _LOCK)

    def append_locked(
        self,
        what: str,
        *,
        who: str = "",
        about: str = "",
        digests: Mapping[str, str] | None = None,
        files: Mapping[str, str] | None = None,
        line: JournalLine | None = None,
    ) -> AuditEntry:
        """As `append`, for who holds the lock; raises OSError."""
        before = self._last()
        draft = AuditEntry(
            n=before.n + 1 if before else 1,
            at=datetime.now(UTC).isoformat(timespec="milliseconds"),
            who=who or current_author(),
            what=what,
            about=about,
            digests=dict(digests or {}),
            files=dict(files or {}),
            **(line.model_dump() if line else {}),
            prev=before.sha256 if before else _FIRST,
        )
        entry = draft.model_copy(update={"sha256": draft.hashed()})
        append_line(self.path, entry.model_dump_json())
        return entry

    def entries(self) -> Iterator[AuditEntry]:
        """Yield what was written, oldest first; lines that a kill tore are stepped over.

        Raises
        ------
        DatasetError
            If the trail cannot be read.
        """
        for _, entry in self.lines():
            if entry is not None:
                yield entry

    def lines(self) -> Iterator[tuple[int, AuditEntry | None]]:
        """Yield every line's number with its entry, None for a line that is none."""
        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            return
        except OSError as error:
            raise DatasetError(f"{self.path}: cannot be read ({error.strerror}).") from error
        for number, line in enumerate(content.split(b"\n"), start=1):
            if line.strip():
                yield number, _parse(line)

    def _last(self) -> AuditEntry | None:
        try:
            with self.path.open("rb") as file:
                size = file.seek(0, os.SEEK_END)
                file.seek(max(0, size - _TAIL_BYTES))
                lines = file.read().split(b"\n")
        except FileNotFoundError:
            return None
        newest = next((entry for entry in map(_parse, reversed(lines)) if entry is not None), None)
        if newest is None and size > _TAIL_BYTES:  # an entry that names very many files
            return list(self.entries())[-1]
        return newest


def _parse(line: bytes) -> AuditEntry | None:
    try:
        return AuditEntry.model_validate_json(line)
    except ValidationError:
        return None
