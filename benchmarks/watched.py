"""Watch a run from within a benchmark: refuse failures, and tell the memory that the process takes."""

from __future__ import annotations

import os
from pathlib import Path

from napari_medclf.domain.events import CaseFailed


def refuse_failure(event: object) -> None:
    """Stop where an image could not be done."""
    if isinstance(event, CaseFailed):
        raise AssertionError(event.reason)


def memory_mb() -> float:
    """Memory of this process that is in use (Linux)."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6
