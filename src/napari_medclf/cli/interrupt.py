"""Turn Ctrl-C into a polite request to stop; a second one stops at once."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def stop_on_interrupt(say: Callable[[str], None]) -> Iterator[Callable[[], bool]]:
    """Give a function that tells whether a stop was asked for by SIGINT or SIGTERM.

    The job then ends where it is safe, within about two seconds. Outside the main thread signals
    cannot be caught, so there it never is.
    """
    asked = threading.Event()

    def on_signal(number: int, frame: Any) -> None:
        if asked.is_set():
            raise KeyboardInterrupt
        asked.set()
        say("Stopping at the next safe place; press Ctrl-C again to stop at once.")

    if threading.current_thread() is not threading.main_thread():
        yield asked.is_set
        return
    caught = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, on_signal) for number in caught]
    try:
        yield asked.is_set
    finally:
        for number, handler in zip(caught, before, strict=True):
            signal.signal(number, handler)
