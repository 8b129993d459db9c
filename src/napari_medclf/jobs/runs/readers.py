"""Who reads the images of a run: threads, and processes where threads would only wait for Python's lock."""

from __future__ import annotations

import os
import pickle
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from napari_medclf.jobs.runs.reader_process import ReaderProcess, ReaderUnavailable
from napari_medclf.jobs.runs.stages import ReadCase, read_case

if TYPE_CHECKING:
    from napari_medclf.jobs.runs.case import RunCase, RunPlan

_MOST_PROCESSES = 16


class Readers:
    """Reads cases on the thread that asks, or in a process of its own for that thread.

    Parameters
    ----------
    n_processes : int
        From the beginning; 0 reads on threads until `use_processes`.
    """

    def __init__(self, plan: RunPlan, n_processes: int = 0) -> None:
        self._plan = plan
        self.n_processes = n_processes
        self._own = threading.local()
        self._lock = threading.Lock()
        self._begun: list[ReaderProcess] = []
        self._is_closed = False

    def read(self, case: RunCase) -> ReadCase:
        """Read a case, as `stages.read_case`."""
        process = self._own_process() if self.n_processes and _can_travel(case) else None
        if process is not None:
            try:
                return process.read(case)
            except ReaderUnavailable:
                self.n_processes = 0
        return read_case(self._plan, case)

    def use_processes(self) -> int:
        """From now on read in processes, where that can be; returns how many there may be."""
        n_processors = count_processors()
        if n_processors > 1 and is_program():
            self.n_processes = min(n_processors, _MOST_PROCESSES)
        return self.n_processes

    def close(self) -> None:
        """End all processes."""
        with self._lock:
            self._is_closed = True
            for process in self._begun:
                process.close()

    def _own_process(self) -> ReaderProcess | None:
        with self._lock:
            if not hasattr(self._own, "process"):
                if self._is_closed or len(self._begun) >= self.n_processes:
                    return None
                self._own.process = ReaderProcess(self._plan)
                self._begun.append(self._own.process)
        process: ReaderProcess = self._own.process
        return process


def count_processors() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def is_program() -> bool:
    """Whether the main module may be imported by another process: an installed program, and no script of a person."""
    main = sys.modules["__main__"]
    file = getattr(main, "__file__", None)
    is_beside_python = file is not None and Path(file).absolute().parent == Path(sys.executable).absolute().parent
    return getattr(main, "__spec__", None) is not None or is_beside_python


def _can_travel(case: RunCase) -> bool:
    """Whether another process can read it: an image that is in memory already need not be read."""
    try:
        pickle.dumps(case)
    except Exception:  # noqa: BLE001  (any failure means no)
        return False
    return True
