"""Which cases are left out and why: one file, written at every change."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from qtpy.QtCore import QObject, Signal

from napari_medclf.domain.events import Job, Progress
from napari_medclf.ui.lane import Lane


class Exclusions(QObject):
    """The cases of one data set that a person left out.

    Signals
    -------
    changed : a case was left out or taken back, or other data is shown.
    """

    changed = Signal()

    def __init__(self, lane: Lane, parent: QObject) -> None:
        super().__init__(parent)
        self._lane = lane
        self._reasons: dict[str, str] = {}
        self.path: Path | None = None
        """The file; None before data was opened."""

    def begin(self, path: Path, reasons: Mapping[str, str]) -> None:
        """Take over what a file says."""
        self.path, self._reasons = path, dict(reasons)
        self.changed.emit()

    @property
    def reasons(self) -> Mapping[str, str]:
        """Case to why it is left out."""
        return self._reasons

    def leave_out(self, case_ids: Iterable[str], reason: str) -> None:
        """Leave cases out; those that are already keep their reason."""
        self._change(dict.fromkeys(case_ids, reason) | self._reasons)

    def take_back(self, case_ids: Iterable[str]) -> None:
        """Use cases again."""
        back = set(case_ids)
        self._change({case_id: reason for case_id, reason in self._reasons.items() if case_id not in back})

    def holds_all(self, case_ids: Iterable[str]) -> bool:
        """Whether all of some cases are left out."""
        return all(case_id in self._reasons for case_id in case_ids)

    def _change(self, reasons: dict[str, str]) -> None:
        if reasons == self._reasons or self.path is None:
            return
        self._reasons, path = reasons, self.path
        self._lane.add("", lambda: _write(path, reasons))
        self.changed.emit()


def _write(path: Path, reasons: Mapping[str, str]) -> Job[None]:
    from napari_medclf.store.datasets.exclusions import write_exclusions

    yield Progress(0, 0)
    write_exclusions(path, reasons)
