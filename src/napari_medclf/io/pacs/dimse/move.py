"""C-MOVE: the server sends objects to a receiver of ours that lives as long as the transfer (PS3.4 C.4.2)."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from napari_medclf.domain.errors import ServerError
from napari_medclf.domain.pacs import Arrival, InstanceRow
from napari_medclf.io.pacs.contexts import STUDY_ROOT_MOVE, SYNTAXES, storage_classes
from napari_medclf.io.pacs.dimse.get import follow, identifiers, taker
from napari_medclf.io.pacs.dimse.line import Line
from napari_medclf.io.pacs.inbox import Inbox
from napari_medclf.io.pacs.server import DimseServer, is_loopback

_LAST_ONES_S = 2.0


def fetch(line: Line, inbox: Inbox, rows: Sequence[InstanceRow], tell: Callable[[Arrival], None]) -> None:
    """Have objects of one series sent to us and tell of each; those that do not come are not told.

    Raises
    ------
    ServerError
        If our port is taken, or the server cannot be reached, refuses, or breaks off.
    """
    from pynetdicom import build_context

    if not rows:
        return
    receiver = _Receiver(len(rows), tell)
    kinds = sorted({row.sop_class_uid for row in rows if row.sop_class_uid}) or storage_classes()
    server = line.server
    hint = f" Is {server.move_ae_title} with this machine's address and port {server.move_port} registered there?"
    with (
        _listening(server, kinds, taker(inbox, receiver.tell)),
        line.associate([build_context(STUDY_ROOT_MOVE)]) as association,
    ):
        for identifier in identifiers(inbox, rows):
            follow(line, association.send_c_move(identifier, server.move_ae_title, STUDY_ROOT_MOVE), hint)
        receiver.wait_for_last()


class _Receiver:
    """Counts what came: a server may call the move done while its last object is still on the way."""

    def __init__(self, n_expected: int, tell: Callable[[Arrival], None]) -> None:
        self._n_left, self._tell = n_expected, tell
        self._lock, self._all_here = threading.Lock(), threading.Event()

    def tell(self, arrival: Arrival) -> None:
        with self._lock:
            self._n_left -= not arrival.reason
            self._tell(arrival)
            if self._n_left <= 0:
                self._all_here.set()

    def wait_for_last(self) -> None:
        self._all_here.wait(_LAST_ONES_S)


@contextmanager
def _listening(server: DimseServer, kinds: Sequence[str], take: Callable[[Any], int]) -> Iterator[None]:
    """Receive on the one network address that leads to the server, for callers that know our name."""
    from pynetdicom import AE, evt

    entity = AE(ae_title=server.move_ae_title)
    entity.require_called_aet = True
    entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = server.timeout_s
    for kind in kinds:
        _make_known(kind)
        entity.add_supported_context(kind, list(SYNTAXES))
    here = _own_address(server)
    try:
        listener = entity.start_server((here, server.move_port), block=False, evt_handlers=[(evt.EVT_C_STORE, take)])
    except OSError as error:
        raise ServerError(
            f"The port {server.move_port} cannot be listened on here ({error.strerror}). Another program may use it."
        ) from error
    try:
        yield
    finally:
        if listener is not None:
            listener.shutdown()
        _wait_for_end(entity)


def _make_known(kind: str) -> None:
    """Let pynetdicom receive a private or retired kind; as a receiver it breaks off at kinds it does not know."""
    from pynetdicom import register_uid
    from pynetdicom.service_class import StorageServiceClass
    from pynetdicom.sop_class import uid_to_service_class

    if not issubclass(uid_to_service_class(kind), StorageServiceClass):
        register_uid(kind, f"Kind_{kind.replace('.', '_')}", StorageServiceClass)


def _own_address(server: DimseServer) -> str:
    if is_loopback(server.host):
        return "127.0.0.1"
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(server.host, server.port, type=socket.SOCK_DGRAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.connect(address)  # sends nothing; only finds the way
            return str(probe.getsockname()[0])
    except OSError as error:
        raise ServerError(f"{server}: cannot be reached ({error.strerror or type(error).__name__}).") from error


def _wait_for_end(entity: Any) -> None:
    until = time.monotonic() + _LAST_ONES_S
    while entity.active_associations and time.monotonic() < until:
        time.sleep(0.02)
