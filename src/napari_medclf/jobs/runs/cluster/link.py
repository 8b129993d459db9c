"""Reach the workers of a run: processes started here, or those of a scheduler that runs already."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from napari_medclf.domain.errors import BackendUnavailable, MedclfError
from napari_medclf.domain.events import Job, Progress
from napari_medclf.engine.background import wait_for
from napari_medclf.jobs.background import begin
from napari_medclf.jobs.drive import explain
from napari_medclf.jobs.runs.cluster.address import check_scheduler, is_scheduler_file

_CONNECT_S = 10.0
_CLOSE_S = 0.5
_END_S = 0.2
_HERE = "127.0.0.1"
_ENOUGH_DEATHS = 1_000_000
_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


@dataclass(frozen=True, eq=False)
class Link:
    """A way to workers.

    Parameters
    ----------
    client : distributed.Client
    place : str
        Where the scheduler is, for people.
    own : distributed.LocalCluster or None
        The processes, where they are ours.
    undo : ExitStack
        What is set for our own processes, in dask's settings and this process's environment; ends with the link.
    """

    client: Any
    place: str
    own: Any = None
    undo: ExitStack = field(default_factory=ExitStack)

    @property
    def is_open(self) -> bool:
        """Whether the scheduler answers."""
        return bool(self.client.status == "running")

    def close(self) -> None:
        """Leave the workers; our own end within about a second."""
        if self.own is not None:
            _end_workers(self.own)
        for one in (self.client, self.own):
            if one is not None:
                with suppress(Exception):  # a scheduler that is gone cannot be left in good order
                    one.close(timeout=_CLOSE_S)
        self.undo.close()


def start_here(n_workers: int) -> Job[Link]:
    """Start worker processes on this computer, which listen on its loopback address only.

    Raises
    ------
    BackendUnavailable
        If dask.distributed is not installed.
    MedclfError
        If the processes cannot be started.
    """
    _check_installed()
    return (yield from _opened(partial(_start, n_workers), f"starting {n_workers} worker processes"))


def join(address: str) -> Job[Link]:
    """Connect to a scheduler that runs already.

    Raises
    ------
    BackendUnavailable
        If dask.distributed is not installed.
    OptionError
        If it is no address.
    MedclfError
        If no scheduler answers there.
    """
    _check_installed()
    check_scheduler(address)
    return (yield from _opened(partial(_connect, address), f"connecting to {address}"))


def n_processors() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def dask() -> Any:
    """Import ``distributed``, which is partly without types; it adds its own settings to dask's."""
    return import_module("distributed")


def _check_installed() -> None:
    if find_spec("distributed") is None:
        raise BackendUnavailable(
            "Sharing a run among workers needs the package dask.distributed, which is not installed: "
            "pip install 'napari-medclf[cluster]'."
        )


def _opened(open_it: Callable[[], Link], message: str) -> Job[Link]:
    """Wait for a link; one that comes after a stop is closed as soon as it is there."""
    opening = begin(open_it)
    try:
        return (yield from wait_for(opening, Progress(0, 0, message)))
    except GeneratorExit:
        opening.add_done_callback(_close_late)
        raise


def _close_late(opening: Future[Link]) -> None:
    if opening.exception() is None:
        opening.result().close()


def _start(n_workers: int) -> Link:
    distributed = dask()
    _silence()
    undo = _set_for_processes(max(n_processors() // n_workers, 1))
    cluster = None
    try:
        cluster = distributed.LocalCluster(
            n_workers=n_workers,
            threads_per_worker=1,
            processes=True,
            host=_HERE,
            dashboard_address=None,
            scheduler_kwargs={"dashboard": False, "dashboard_address": f"{_HERE}:0"},
            memory_limit=None,  # what fits is planned for each case
            silence_logs=logging.CRITICAL + 1,
            security=_security(),
            preload=["napari_medclf.jobs.runs.cluster.own_process"],
        )
        return Link(distributed.Client(cluster, set_as_default=False), "this computer", cluster, undo)
    except Exception as error:
        if cluster is not None:
            cluster.close(timeout=_CLOSE_S)
        undo.close()
        raise MedclfError(f"The worker processes could not be started ({explain(error)}).") from error


def _set_for_processes(n_threads: int) -> ExitStack:
    """Set what our own scheduler and workers read while they run; nothing is written to a file."""
    from dask import config

    undo = ExitStack()
    for name in _THREADS:  # dask puts them into this process's environment, too
        undo.callback(_set_variable, name, os.environ.get(name))
    settings = {
        # Nobody needs to ask our scheduler over HTTP what it does.
        "distributed.scheduler.http.routes": [],
        "distributed.worker.http.routes": [],
        # Which case is to blame for a worker's end is decided by who leads the run.
        "distributed.scheduler.allowed-failures": _ENOUGH_DEATHS,
        # On a busy computer a worker that died takes longer than the 15 s after which dask would give it up.
        "distributed.deploy.lost-worker-timeout": "1 hour",
        "distributed.nanny.pre-spawn-environ": dict.fromkeys(_THREADS, str(n_threads)),
        "distributed.worker.multiprocessing-method": "spawn",  # torch does not survive a fork with threads
        "distributed.worker.profile.enabled": False,
    }
    undo.enter_context(config.set(settings))
    return undo


def _set_variable(name: str, value: str | None) -> None:
    if value is None:
        os.environ.pop(name, None)
    else:
        os.environ[name] = value


def _security() -> Any:
    """Encrypt with a certificate made for this run, so that nobody else on this computer can give our workers work."""
    return dask().Security.temporary() if find_spec("cryptography") is not None else None


def _connect(address: str) -> Link:
    _silence()
    where = {"scheduler_file": address} if is_scheduler_file(address) else {"address": address}
    try:
        client = dask().Client(**where, timeout=_CONNECT_S, set_as_default=False, name="medclf")
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise MedclfError(
            f"{address}: no Dask scheduler can be reached there ({explain(error)}). Start one, or correct --scheduler."
        ) from error
    return Link(client, address)


def _silence() -> None:
    """Keep dask's own log out of the terminal, for good: processes that end late would still speak after the run.

    What matters of it is told as sentences.
    """
    dask()  # sets up its handlers
    for handler in logging.getLogger("distributed").handlers:
        handler.setLevel(logging.CRITICAL + 1)


def _end_workers(cluster: Any) -> None:
    """End our worker processes, in the middle of a case if need be: its files appear whole or not at all."""

    async def end() -> None:
        await asyncio.gather(
            *(nanny.close(timeout=_END_S) for nanny in cluster.workers.values()), return_exceptions=True
        )

    cluster.shutdown_on_close = False  # else dask waits for up to 10 s more at the end of the program
    with suppress(Exception):  # one that is about to start ends with this program
        cluster.sync(asyncio.wait_for, end(), _CLOSE_S)
