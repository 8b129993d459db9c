"""What goes over an association: when something came or went last, and how much since the last whole object."""

from __future__ import annotations

import socket
import time
from contextlib import suppress
from typing import Any


class Activity:
    """Counts; its methods are called from the threads of an association."""

    def __init__(self) -> None:
        self.last_s = time.monotonic()
        self.n_bytes = 0

    def count(self, n_bytes: int) -> None:
        """Note that something came."""
        self.last_s = time.monotonic()
        self.n_bytes += n_bytes

    def touch(self) -> None:
        """Note that something went out."""
        self.last_s = time.monotonic()

    def restart(self) -> None:
        """Count anew, for an object is whole."""
        self.n_bytes = 0

    def handlers(self) -> list[tuple[Any, Any]]:
        """Give what calls these methods, as pynetdicom's event handlers."""
        from pynetdicom import evt

        return [
            (evt.EVT_DATA_RECV, lambda event: self.count(len(event.data))),
            (evt.EVT_DATA_SENT, lambda event: self.touch()),
            (evt.EVT_DIMSE_RECV, lambda event: self.restart()),
        ]


def send_at_once(association: Any) -> None:
    """Spare 40 ms an object: TCP would hold small messages back until the last one is acknowledged."""
    line: Any = getattr(association.dul.socket, "socket", None)
    with suppress(OSError, AttributeError):
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def bound(association: Any, most_pdu_bytes: int, idle_s: float) -> None:
    """Take no longer PDU from a caller than one was told that we take, and wait no longer for its bytes than allowed.

    pynetdicom 3 reads as many bytes as a PDU declares, up to 4 GiB, before it looks at who is calling, and waits for
    them without end.
    """
    line: Any = association.dul.socket
    receive = line.recv

    def receive_bounded(n_bytes: int) -> bytearray:
        if n_bytes > most_pdu_bytes:
            raise OSError("a PDU is longer than we take")
        whole: bytearray = receive(n_bytes)
        return whole

    line.recv = receive_bounded
    line.socket.settimeout(idle_s)


def can_abort(association: Any) -> bool:
    """Tell whether a line knows an abort now (PS3.8 9.2.3): not before the first word, nor after the last."""
    return association.dul.state_machine.current_state not in ("Sta1", "Sta2", "Sta13")


def shut(association: Any) -> None:
    """Close a line without a word."""
    with suppress(OSError, AttributeError):  # it may have gone by itself
        association.dul.socket.socket.shutdown(socket.SHUT_RDWR)


def hang_up(association: Any) -> None:
    """Abort an association and wake whoever waits for its answer."""
    if not can_abort(association):
        shut(association)
        return
    with suppress(Exception):  # it may just have ended by itself
        association.abort()
    association.dimse.msg_queue.put((None, None))  # pynetdicom 3.0 wakes nobody after our own abort
