"""Keep converted networks and measured choices on disk, in little room."""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from napari_medclf.atomic import atomic_write

_MAX_BYTES = 2 * 2**30
_SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Shelf:
    """A folder of artefacts by digest; whatever is damaged counts as absent, and nothing here raises for a disk.

    Parameters
    ----------
    folder : Path or None
        None keeps nothing.
    max_bytes : int
        The artefacts used longest ago go when there are more.
    """

    folder: Path | None
    max_bytes: int = _MAX_BYTES

    def get(self, digest: str) -> bytes | None:
        """Read a converted network; None where there is none, or it is not whole."""
        if self.folder is None:
            return None
        path = self.folder / f"{digest}.onnx"
        try:
            stored = path.read_bytes()
            os.utime(path)  # used now
        except OSError:
            return None
        content, checksum = stored[:-32], stored[-32:]
        return content if hashlib.sha256(content).digest() == checksum else None

    def put(self, digest: str, content: bytes) -> None:
        """Keep a converted network, and make room for it."""
        if self.folder is None or len(content) > self.max_bytes:
            return
        with suppress(OSError):  # a full disk costs the next run some seconds, and nothing else
            atomic_write(self.folder / f"{digest}.onnx", content + hashlib.sha256(content).digest())
            self._make_room()

    def recall(self, digest: str) -> dict[str, Any] | None:
        """Read what was measured; None where nothing was."""
        if self.folder is None:
            return None
        try:
            found = json.loads((self.folder / f"{digest}.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        is_ours = isinstance(found, dict) and found.get("schema_version") == _SCHEMA_VERSION
        return found if is_ours else None

    def remember(self, digest: str, measured: dict[str, Any]) -> None:
        """Keep what was measured."""
        if self.folder is None:
            return
        text = json.dumps({"schema_version": _SCHEMA_VERSION, **measured}, indent=1)
        with suppress(OSError):
            atomic_write(self.folder / f"{digest}.json", text + "\n")

    def _make_room(self) -> None:
        assert self.folder is not None
        kept = sorted(self.folder.glob("*.onnx"), key=lambda path: path.stat().st_mtime, reverse=True)
        n_bytes = 0
        for path in kept:
            n_bytes += path.stat().st_size
            if n_bytes > self.max_bytes:
                path.unlink(missing_ok=True)
