"""A journal of a project whose every line is announced in the audit trail before it is written."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from napari_medclf.atomic import append_line
from napari_medclf.domain.errors import WriteError
from napari_medclf.store.audit import AuditLog, JournalLine
from napari_medclf.store.digests import file_sha256
from napari_medclf.store.journal import Journal

_FILES = ("label_map", "edited_mask", "embedding")
_PACKAGE = "package"
_ABOUT = ("case_id", "revision_id")


@dataclass(frozen=True)
class AuditedJournal(Journal):
    """A journal in a project's own folder, such as ``journal.jsonl``.

    A line that the trail does not know was not written by this program. One that the trail knows and that is not there
    was taken out, or never came to the disk.
    """

    def append(self, entry: BaseModel) -> None:
        """Add an entry; when this returns, it is on the disk, and so is what the audit trail says of it.

        Raises
        ------
        WriteError
            If either cannot be written; earlier entries are intact.
        """
        line = entry.model_dump_json()
        said = entry.model_dump(mode="json")
        folder = self.path.parent
        audit = AuditLog(folder)
        try:
            with audit.locked():
                audit.append_locked(
                    str(said.get("kind") or self.path.stem),
                    who=_first(said, ("author",)),
                    about=_first(said, _ABOUT),
                    digests=_digests(said),
                    files=_files(said, folder),
                    line=_place(self.path, line),
                )
                append_line(self.path, line)
        except OSError as error:
            raise WriteError(f"{self.path}: cannot be written ({error.strerror or error}).") from error


def line_sha256(line: str | bytes) -> str:
    """Identify a line of a journal."""
    return hashlib.sha256(line.encode() if isinstance(line, str) else line).hexdigest()


def _place(path: Path, line: str) -> JournalLine:
    size = path.stat().st_size if path.is_file() else 0
    n_bytes = len(line.encode()) + 1
    return JournalLine(journal=path.name, at_byte=size, n_bytes=n_bytes, line_sha256=line_sha256(line))


def _fields(said: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the fields of an entry and of what it holds one level down: its annotation, mark or revision."""
    for name, value in said.items():
        if isinstance(value, Mapping):
            yield from value.items()
        else:
            yield name, value


def _first(said: Mapping[str, Any], names: tuple[str, ...]) -> str:
    return next((str(value) for name, value in _fields(said) if name in names and value), "")


def _digests(said: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(value) for name, value in _fields(said) if name.endswith(("digest", "sha256")) and value}


def _files(said: Mapping[str, Any], folder: Path) -> dict[str, str]:
    return {path: file_sha256(folder / path) for path in sorted(_paths(said, folder))}


def _paths(said: Mapping[str, Any], folder: Path) -> Iterator[str]:
    """Yield the files of an entry, and every file of a model package, relative to the project."""
    for name, value in _fields(said):
        if name in _FILES and value:
            yield str(value)
        elif name == _PACKAGE and value:
            inside = (path for path in (folder / str(value)).rglob("*") if path.is_file())
            yield from (path.relative_to(folder).as_posix() for path in inside)
