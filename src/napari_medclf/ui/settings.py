"""What the window remembers between sessions: one JSON file, replaced in one step."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

from napari_medclf.atomic import atomic_write

_log = logging.getLogger(__name__)


class Settings:
    """Values by section and name; unreadable files count as empty.

    Parameters
    ----------
    path : Path
        The JSON file; made at the first `set`.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._values = _load(path)

    def get(self, section: str, name: str, default: Any = None) -> Any:
        """Return a remembered value."""
        return self._values.get(section, {}).get(name, default)

    def section(self, section: str) -> dict[str, Any]:
        """Return a copy of all values of a section."""
        return dict(self._values.get(section, {}))

    def set(self, section: str, **values: Any) -> None:
        """Remember values; a folder that cannot be written is logged, not raised."""
        current = self._values.setdefault(section, {})
        if all(current.get(name) == value for name, value in values.items()):
            return
        current.update(values)
        try:
            atomic_write(self._path, json.dumps(self._values, indent=1, default=str))
        except OSError as error:
            _log.warning("The settings could not be saved: %s", error)


def _load(path: Path) -> dict[str, dict[str, Any]]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(found, dict):
        return {}
    return {name: section for name, section in found.items() if isinstance(section, dict)}
