"""Who says something, and when."""

from __future__ import annotations

import getpass
from datetime import UTC, datetime


def now_utc() -> str:
    """The time as annotations write it: UTC, ISO 8601, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def current_author() -> str:
    """The operating system's user, or ``unknown`` where it has no name."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return "unknown"
