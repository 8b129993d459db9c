"""Loaded by every worker process that we start ourselves, before it gets work (a ``preload`` of dask)."""

from __future__ import annotations

import signal
from contextlib import suppress

from napari_medclf.jobs.runs.cluster.worker import silence


def dask_setup(worker: object) -> None:
    """Leave an interrupt to the process that leads the run, and keep other packages' messages out of the terminal."""
    del worker
    with suppress(ValueError):  # not the main thread
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group
    silence()
