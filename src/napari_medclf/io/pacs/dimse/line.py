"""Associations with a DIMSE server: time limits that hold, a stop that works, failures as sentences (PS3.8)."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from napari_medclf.domain.errors import ServerError
from napari_medclf.free_memory import available_bytes
from napari_medclf.io.pacs.certificates import show_certificate
from napari_medclf.io.pacs.dimse.activity import Activity, hang_up, send_at_once
from napari_medclf.io.pacs.needs import require
from napari_medclf.io.pacs.server import DimseServer

_LOOK_EVERY_S = 0.2
_LONGEST_ANSWER_S = 3600.0
_PDU_BYTES = 2**18
_WHY_REJECTED = {
    2: "the server does not speak the same protocol",
    3: "the server does not know our name {calling!r}; it must be registered there",
    7: "the server's AE title is not {called!r}",
}


class Line:
    """Speaks to one server, one association at a time; `abort` may come from another thread.

    Raises
    ------
    BackendUnavailable
        If pynetdicom is missing.
    """

    def __init__(self, server: DimseServer) -> None:
        require("pynetdicom")
        self.server = server
        self._stopped = threading.Event()

    @contextmanager
    def associate(self, contexts: Sequence[Any], *, handlers: Sequence[Any] = (), roles: Sequence[Any] = ()) -> Any:
        """Give an established association; it is released at the end, or aborted after a failure.

        Parameters
        ----------
        contexts : sequence of PresentationContext
            What is to be spoken about.
        handlers, roles : sequence
            pynetdicom's event handlers and role selections.

        Raises
        ------
        ServerError
            If there is no server, or it rejects us, or the line breaks or stays silent for too long.
        """
        self.check_stopped()
        activity = Activity()
        association = self._open(contexts, [*activity.handlers(), *handlers], roles)
        done = threading.Event()
        watch = threading.Thread(target=self._watch, args=(association, activity, done), daemon=True)
        watch.start()
        try:
            yield association
            if association.is_established:
                association.release()
        finally:
            done.set()
            watch.join()
            if association.is_established:
                hang_up(association)

    def explain_silence(self) -> ServerError:
        """Say why an answer did not come."""
        if self._stopped.is_set():
            return ServerError("Stopped.")
        return ServerError(f"{self.server}: broke off, or did not answer within {self.server.timeout_s:g} s.")

    def abort(self) -> None:
        """End what is under way within half a second."""
        self._stopped.set()

    def check_stopped(self) -> None:
        """Refuse to go on after an abort.

        Raises
        ------
        ServerError
            Saying so.
        """
        if self._stopped.is_set():
            raise ServerError("Stopped.")

    def _open(self, contexts: Sequence[Any], handlers: Sequence[Any], roles: Sequence[Any]) -> Any:
        from pynetdicom import AE

        server = self.server
        entity = AE(ae_title=server.calling_ae_title)
        entity.acse_timeout = entity.network_timeout = server.timeout_s
        entity.connection_timeout = min(server.timeout_s, 10.0)
        entity.dimse_timeout = _LONGEST_ANSWER_S  # one object may take long; silence is watched for
        association = entity.associate(
            server.host,
            server.port,
            contexts=list(contexts),
            ae_title=server.ae_title,
            max_pdu=_PDU_BYTES,
            ext_neg=list(roles),
            evt_handlers=list(handlers),
            tls_args=self._tls(),
        )
        if not association.is_established:
            raise self._explain(association)
        send_at_once(association)
        return association

    def _tls(self) -> tuple[ssl.SSLContext, str] | None:
        if not self.server.is_tls:
            return None
        server = self.server
        context = ssl.create_default_context(cafile=server.ca_file or None)
        if server.certificate_file:
            show_certificate(context, Path(server.certificate_file), Path(server.key_file) if server.key_file else None)
        return context, server.host

    def _watch(self, association: Any, activity: Activity, done: threading.Event) -> None:
        most_bytes = available_bytes() // 2
        while not done.wait(_LOOK_EVERY_S):
            is_silent = time.monotonic() - activity.last_s > self.server.timeout_s
            if self._stopped.is_set() or is_silent or activity.n_bytes > most_bytes:
                hang_up(association)
                return

    def _explain(self, association: Any) -> ServerError:
        server = self.server
        answer = association.acceptor.primitive
        if association.is_rejected and answer is not None:
            words = _WHY_REJECTED.get(answer.diagnostic if answer.result_source == 1 else 0, "the server rejects us")
            words = words.format(calling=server.calling_ae_title, called=server.ae_title)
            return ServerError(f"{server}: {words}.")
        if answer is not None and not association.accepted_contexts:
            return ServerError(f"{server}: offers nothing of what was asked for.")
        return ServerError(f"{server}: {self._try_connecting()}")

    def _try_connecting(self) -> str:
        address = self.server.host, self.server.port
        try:
            socket.create_connection(address, timeout=min(self.server.timeout_s, 5.0)).close()
        except TimeoutError:
            return f"did not answer within {self.server.timeout_s:g} s."
        except socket.gaierror:
            return "there is no machine of this name."
        except ConnectionRefusedError:
            return "no server listens there (connection refused). Check host and port, and that the server runs."
        except OSError as error:
            return f"cannot be reached ({error.strerror or type(error).__name__})."
        if self.server.is_tls:
            return (
                "something listens there, but no encrypted line came about. Check the port, the certificates that we "
                "trust (?ca=), and our own if the server asks for one (?certificate=)."
            )
        return "something listens there, but gave no answer as a DICOM server. Check the port."
