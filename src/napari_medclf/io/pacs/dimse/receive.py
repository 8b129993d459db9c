"""A C-STORE receiver that stays: takes what allowed senders store, and tells of it (PS3.4 B, PS3.7 9.1.1)."""

from __future__ import annotations

import itertools
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from napari_medclf.domain.errors import ServerError
from napari_medclf.free_memory import available_bytes
from napari_medclf.io.pacs.contexts import SYNTAXES, VERIFICATION
from napari_medclf.io.pacs.depot import Depot, Taken, Verdict
from napari_medclf.io.pacs.dimse.activity import Activity, bound, can_abort, hang_up, send_at_once, shut
from napari_medclf.io.pacs.dimse.handshake import Handshakes, shake_hands
from napari_medclf.io.pacs.dimse.reception import Ended, Reception, Stored, Told, TurnedAway
from napari_medclf.io.pacs.needs import hushed, require

_STATUS = {
    Verdict.TAKEN: 0x0000,
    Verdict.REPEATED: 0x0000,
    Verdict.NO_ROOM: 0xA700,
    Verdict.TOO_LARGE: 0xA700,
    Verdict.MISFIT: 0xA900,
    Verdict.DAMAGED: 0xC000,
}
_LOOK_EVERY_S, _LAST_ONES_S = 0.2, 0.5
_PDU_BYTES = 2**18
_MOST_PDU_BYTES = 2**20
"""More than `_PDU_BYTES`, which callers are told, and than any request for an association."""
_CROWD, _COMING_S = 4, 5.0
_HANDSHAKE_S = 10.0
_COPIES = 3
"""How often an object is in memory while it is taken: as it came, as a file, and being read again."""


@contextmanager
def receiving(reception: Reception, depot: Depot, tell: Callable[[Told], None]) -> Iterator[int]:
    """Receive while the body runs; gives the port, which the system chooses where 0 was asked for.

    Parameters
    ----------
    tell : callable
        Told of everything, from threads of the receiver; it must not block.

    Raises
    ------
    BackendUnavailable
        If the packages of the extra ``pacs`` are missing.
    ServerError
        If the address or port cannot be listened on.
    OptionError
        If the certificates cannot be used.
    """
    require("pynetdicom")
    from pynetdicom import evt

    desk = _Desk(reception, depot, tell)
    entity = _entity(reception)
    encryption = None if reception.certificates is None else Handshakes(reception.certificates.of_server())
    handlers = [
        (evt.EVT_CONN_OPEN, desk.on_open),
        (evt.EVT_DATA_RECV, desk.on_data),
        (evt.EVT_DIMSE_RECV, desk.on_message),
        (evt.EVT_C_STORE, desk.on_store),
        (evt.EVT_RELEASED, desk.on_released),
        (evt.EVT_REJECTED, desk.on_rejected),
    ]
    with hushed():
        try:
            listener = entity.start_server(
                (reception.host, reception.port), block=False, evt_handlers=handlers, ssl_context=encryption
            )
        except OSError as error:
            why = error.strerror or type(error).__name__
            raise ServerError(
                f"{reception.host}:{reception.port} cannot be listened on ({why}). Another program may use the port."
            ) from error
        # Asked before a caller gets two threads, which it has long before it says who it is.
        listener.verify_request = lambda request, address: desk.admit()
        with desk.watching():
            try:
                yield listener.server_address[1]
            finally:
                _close(listener, entity)


def _close(listener: Any, entity: Any) -> None:
    """Let nobody in any more and cut everybody off, all at once; what was acknowledged is on the disk."""
    closing = threading.Thread(target=listener.shutdown, daemon=True)
    closing.start()
    until_s = time.monotonic() + _LAST_ONES_S
    for association in entity.active_associations:
        if can_abort(association):
            association.abort(block=False)
        else:
            shut(association)
    while entity.active_associations and time.monotonic() < until_s:
        time.sleep(0.02)
    closing.join()


def _entity(reception: Reception) -> Any:
    from pynetdicom import AE
    from pynetdicom.presentation import AllStoragePresentationContexts

    entity = AE(ae_title=reception.ae_title)
    entity.require_called_aet = True
    entity.require_calling_aet = list(reception.calling)
    entity.maximum_associations = reception.most_senders
    entity.maximum_pdu_size = _PDU_BYTES
    entity.network_timeout = entity.dimse_timeout = reception.idle_s
    entity.acse_timeout = min(reception.idle_s, 30.0)
    entity.add_supported_context(VERIFICATION)
    for context in AllStoragePresentationContexts:
        entity.add_supported_context(str(context.abstract_syntax), list(SYNTAXES))
    return entity


@dataclass
class _Visit:
    """One association from its first byte to its last."""

    association: Any
    name: str
    activity: Activity = field(default_factory=Activity)
    is_released: bool = False
    cut_off: str = ""


class _Desk:
    """Answers senders; its methods are called from a thread of each one's own."""

    def __init__(self, reception: Reception, depot: Depot, tell: Callable[[Told], None]) -> None:
        self._reception, self._depot, self._tell = reception, depot, tell
        self._visits: dict[int, _Visit] = {}
        self._coming: list[float] = []
        self._guard = threading.Lock()
        self._numbers = itertools.count(1)
        self._too_large = f"it sent an object of more than {reception.most_bytes / 2**20:.0f} MiB (--max-object-mb)"
        self._start = f"{os.getpid()}-{time.time_ns():x}"

    def admit(self) -> bool:
        """Let a caller in, unless there are more than could ever send at a time."""
        with self._guard:
            now_s = time.monotonic()
            self._coming = [since_s for since_s in self._coming if now_s - since_s < _COMING_S]
            is_crowded = len(self._visits) + len(self._coming) >= _CROWD * self._reception.most_senders
            if not is_crowded:
                self._coming.append(now_s)
            return not is_crowded

    def on_open(self, event: Any) -> None:
        """Begin a visit."""
        with self._guard:
            del self._coming[:1]
            self._visits[id(event.assoc)] = _Visit(event.assoc, f"{self._start}-{next(self._numbers)}")
        send_at_once(event.assoc)
        problem = shake_hands(event.assoc.dul.socket.socket, min(self._reception.idle_s, _HANDSHAKE_S))
        if problem:
            self._turn_away(event.assoc, problem)
            shut(event.assoc)
            return
        bound(event.assoc, _MOST_PDU_BYTES, self._reception.idle_s)

    def on_data(self, event: Any) -> None:
        """Count what comes."""
        self._visit(event).activity.count(len(event.data))

    def on_message(self, event: Any) -> None:
        """Begin to count anew: an object is whole."""
        self._visit(event).activity.restart()

    def on_store(self, event: Any) -> int:
        """Take an object; the status says success only when it is on the disk."""
        visit, request = self._visit(event), event.request
        announced = str(request.AffectedSOPClassUID), str(request.AffectedSOPInstanceUID)
        if request.DataSet.getbuffer().nbytes > self._reception.most_bytes:
            taken = Taken(Verdict.TOO_LARGE, reason=self._too_large)
        else:
            taken = self._depot.take(event.encoded_dataset(), announced, visit.name)
        if self._is_gone(visit):  # the line broke while the object was written
            self._depot.under_way.end(visit.name, is_whole=False)
        self._tell(Stored(_title(event.assoc), taken))
        return _STATUS[taken.verdict]

    def on_released(self, event: Any) -> None:
        """Remember that the sender said that this was all."""
        visit = self._visit(event)
        visit.is_released = True
        self._end_visit(visit)

    def on_rejected(self, event: Any) -> None:
        """Tell who was not let in."""
        self._turn_away(event.assoc, _why_rejected(event.assoc, self._reception))

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Cut off senders of too much, and end the visits of those that are gone."""
        done = threading.Event()
        watch = threading.Thread(target=self._watch, args=(done,), daemon=True, name="medclf-receiver")
        watch.start()
        try:
            yield
        finally:
            done.set()
            watch.join()
            for visit in self._all():
                self._end_visit(visit)

    def _watch(self, done: threading.Event) -> None:
        while not done.wait(_LOOK_EVERY_S):
            # A line that closes says nothing of its own: the word that this was all may still be worked on.
            for visit in filter(_is_over, self._all()):
                self._end_visit(visit)
            visits = sorted(self._all(), key=lambda visit: visit.activity.n_bytes)
            if not visits:
                continue
            largest, in_all = visits[-1], sum(visit.activity.n_bytes for visit in visits)
            if largest.activity.n_bytes > self._reception.most_bytes:
                self._cut_off(largest, self._too_large)
            elif in_all * _COPIES > available_bytes():
                self._cut_off(largest, "the memory does not hold what it sent")

    def _cut_off(self, visit: _Visit, reason: str) -> None:
        self._turn_away(visit.association, reason)
        hang_up(visit.association)

    def _visit(self, event: Any) -> _Visit:
        with self._guard:
            return self._visits.get(id(event.assoc)) or _Visit(event.assoc, "")

    def _is_gone(self, visit: _Visit) -> bool:
        with self._guard:
            return id(visit.association) not in self._visits

    def _all(self) -> list[_Visit]:
        with self._guard:
            return list(self._visits.values())

    def _end_visit(self, visit: _Visit) -> None:
        with self._guard:
            if self._visits.pop(id(visit.association), None) is None:
                return
        studies = self._depot.under_way.end(visit.name, is_whole=visit.is_released)
        if studies:
            self._tell(Ended(_title(visit.association), studies, visit.is_released))

    def _turn_away(self, association: Any, reason: str) -> None:
        self._tell(TurnedAway(_title(association), str(association.requestor.address), reason))


def _is_over(visit: _Visit) -> bool:
    """Whether the thread of an association has ended; it begins a moment after the line is open."""
    return visit.association.ident is not None and not visit.association.is_alive()


def _title(association: Any) -> str:
    """Name a sender; the name is whatever it chose."""
    primitive = association.requestor.primitive
    title = str(getattr(primitive, "calling_ae_title", "") or "")
    return "".join(one if one.isprintable() else "?" for one in title).strip() or "a caller without a name"


def _why_rejected(association: Any, reception: Reception) -> str:
    primitive = association.requestor.primitive
    called = str(getattr(primitive, "called_ae_title", "")).strip()
    if reception.calling and _title(association) not in reception.calling:
        return "it is not among the AE titles that may send (--calling)"
    if called != reception.ae_title:
        return f"it called for {called!r}, and this is {reception.ae_title} (--ae-title)"
    return f"{reception.most_senders} others are sending, and no more are let in"
