"""Do something that cannot be stopped, such as reading a file, in such a way that the job around it can."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from napari_medclf.domain.events import Job, Progress
from napari_medclf.engine.background import wait_for
from napari_medclf.io.background import begin

__all__ = ["awaited", "begin"]

Result = TypeVar("Result")


def awaited(work: Callable[[], Result], progress: Progress) -> Job[Result]:
    """Do something on another thread, and tell the same progress until it ends; a stop does not wait for it."""
    return (yield from wait_for(begin(work), progress))
