"""Opens the cases of a run in the window where they are accepted and corrected, and hears what was said of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from qtpy.QtCore import QObject, Signal

from napari_medclf.domain.annotation import Status
from napari_medclf.domain.run import CaseStatus
from napari_medclf.ui.batch.answer import RunAnswer
from napari_medclf.ui.batch.reading import RunSeen
from napari_medclf.ui.batch.rows import RunRow
from napari_medclf.ui.session import Session
from napari_medclf.ui.shelf import Shelf
from napari_medclf.ui.tasks import WorkItem

_AHEAD = 100
"""So many cases are put into the work list at a time: all panels look through it at every step."""


class CaseOpener(QObject):
    """Makes the cases of a run the work list, in the order in which they are shown.

    Parameters
    ----------
    session : callable
        Gives the window; asked when the first case is opened, unless the shelf is a window's own.

    Signals
    -------
    changed : dict of str to Status
        Another case of the run was opened, or a person spoke of some: what they said, by case.
    """

    changed = Signal(object)

    def __init__(self, shelf: Shelf, session: Callable[[], Session], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._shelf, self._ask_for_session = shelf, session
        self._session: Session | None = None
        self._items: tuple[WorkItem, ...] = ()
        self._rest: Iterator[WorkItem] = iter(())
        self._work: Any = None
        if isinstance(shelf, Session):
            self._adopt(shelf)

    @property
    def opened(self) -> str:
        """The case of the run that is in the viewer; empty where another image is."""
        session = self._session
        if session is None or session.work is not self._work or session.work.current is None or session.missing:
            return ""
        return str(session.work.items[session.work.current].name)

    def project_of(self) -> Callable[[str], Path]:
        """Where answers to a model of a name are kept: the chosen project, or one of its own."""
        chosen = None if self._session is None else self._session.project
        automatic = self._shelf.user_folder / "projects"
        return lambda model: chosen or automatic / (model or "by-hand")

    def open(self, seen: RunSeen, rows: Sequence[RunRow], row: RunRow) -> None:
        """Open a case; what was answered among the rows is gone through from there, and begun anew at the end."""
        session = self._adopt(self._ask_for_session())
        place = next(place for place, one in enumerate(rows) if one is row)
        others = (one for one in (*rows[place + 1 :], *rows[:place]) if one.record.status is CaseStatus.DONE)
        self._rest = (_work_item(one, seen) for one in others)
        items = [_work_item(row, seen), *islice(self._rest, _AHEAD)]
        self._items = tuple(items)
        session.open_work(items, 0)
        self._work = session.work
        self.changed.emit({})

    def say(self, status: Status) -> bool:
        """Accept, skip or flag the case that is open; False where there is none."""
        return self._session is not None and bool(self.opened) and self._session.accept(status)

    def _adopt(self, session: Session) -> Session:
        if self._session is None:
            self._session = session
            session.work_changed.connect(self._on_work)
        return session

    def _on_work(self) -> None:
        session = self._session
        if session is None or session.work is not self._work:
            return
        before, items = self._items, session.work.items
        if len(before) == len(items):
            said = {new.name: new.status for new, old in zip(items, before, strict=True) if new is not old}
        else:
            said = {item.name: item.status for item in items}
        if session.work.current is not None and len(items) - session.work.current < _AHEAD // 2:
            items.extend(islice(self._rest, _AHEAD))
        self._items = tuple(items)
        self.changed.emit(said)


def _work_item(row: RunRow, seen: RunSeen) -> WorkItem:
    card = seen.card if row.record.status is CaseStatus.DONE else None
    answer = None if card is None else RunAnswer(seen.folder, row.record, card)
    project = seen.project if row.review is not Status.OPEN else None
    return WorkItem(row.ref, row.record.case_id, row.review, project, answer)
