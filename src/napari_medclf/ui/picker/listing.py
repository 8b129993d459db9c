"""Looking through a folder with progress, so that it can be watched and stopped."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from napari_medclf.domain.dataset import FileRef
from napari_medclf.domain.events import Job, Progress
from napari_medclf.domain.listing import SeriesEntry
from napari_medclf.io.report import Discovery

_ASK_EVERY_S = 0.1


class _Stopped(Exception):
    """Leaves the listing from within its progress."""


class _Listing(threading.Thread):
    """Lists a path on a thread of its own, because headers are read without a place to stop between them."""

    def __init__(self, path: Path, discover: Callable[..., Discovery]) -> None:
        super().__init__(name="medclf-listing", daemon=True)
        self._path, self._discover = path, discover
        self.stop = threading.Event()
        self.done, self.total = 0, 0
        self.found: Discovery | None = None
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            self.found = self._discover(self._path, self._note)
        except _Stopped:
            pass
        except Exception as error:  # noqa: BLE001  (given to the job that waits for it)
            self.error = error

    def _note(self, done: int, total: int) -> None:
        if self.stop.is_set():
            raise _Stopped
        self.done, self.total = done, total


def list_path(path: Path) -> Job[Discovery]:
    """Discover what a path holds; stops within a tenth of a second.

    Raises
    ------
    ReadError
        If the path cannot be looked at.
    """
    from napari_medclf.io.read import discover

    listing = _Listing(path, discover)
    listing.start()
    try:
        while listing.is_alive():
            yield Progress(listing.done, listing.total, _sentence(path, listing.done, listing.total))
            listing.join(_ASK_EVERY_S)
    finally:
        listing.stop.set()
    if listing.error is not None:
        raise listing.error
    return listing.found if listing.found is not None else Discovery((), ())


def entries_of(discovery: Discovery) -> tuple[SeriesEntry, ...]:
    """List all that was discovered: what can be opened, and every refusal."""
    listed = {(entry.ref.path, entry.reason) for entry in discovery.entries}
    refused = [
        SeriesEntry(FileRef(one.path), one.path.name, "", reason=one.reason, hint=one.hint, ways=one.ways)
        for one in discovery.refusals
        if (one.path, one.reason) not in listed
    ]
    return (*discovery.entries, *refused)


def _sentence(path: Path, done: int, total: int) -> str:
    counted = f": {done} of {total} files" if total else f": {done} files" if done else ""
    return f"looking through {path.name}{counted}"
