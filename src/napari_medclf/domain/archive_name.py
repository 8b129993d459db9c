"""Names of files inside archives that cannot lead anywhere else, on any system."""

from __future__ import annotations

from pathlib import PurePosixPath

_LONGEST_NAME = 200
_DEEPEST = 32


def safe_parts(name: str) -> tuple[str, ...]:
    """Take a member's name apart into folders and file; empty for a name that could lead out of the archive.

    >>> safe_parts("bundle/models/model.pt")
    ('bundle', 'models', 'model.pt')
    >>> safe_parts("../model.pt"), safe_parts("/etc/passwd"), safe_parts("C:model.pt")
    ((), (), ())
    """
    parts = PurePosixPath(name).parts
    is_odd = (
        not parts
        or name.startswith("/")
        or any(one in name for one in ("\\", "\0", ":"))
        or any(not one.isprintable() for one in name)
        or ".." in parts
        or len(parts) > _DEEPEST
        or max(len(part.encode()) for part in parts) > _LONGEST_NAME
    )
    return () if is_odd else parts
