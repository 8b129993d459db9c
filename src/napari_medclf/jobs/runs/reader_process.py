"""A process that reads images for a run: decoding that holds Python's lock goes on beside the network."""

from __future__ import annotations

import multiprocessing
import pickle
import shutil
import signal
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np

from napari_medclf.domain.errors import MedclfError, ReadError
from napari_medclf.jobs.runs.stages import ReadCase, read_case

if TYPE_CHECKING:
    from napari_medclf.jobs.runs.case import RunCase, RunPlan

_SHARED = Path("/dev/shm")  # noqa: S108  (only asked how much room it has)
_READY = "ready"
_LEAST_SHARED_BYTES = 2**20
"""Smaller images go through the pipe, which is as fast."""


class ReaderLost(ReadError):
    """The process that read an image is gone, perhaps for what was in the file."""


class ReaderUnavailable(MedclfError):
    """No process could be started that reads."""


@dataclass(frozen=True)
class _Parcel:
    """A pickled value whose arrays lie in shared memory, one behind the other."""

    pickled: bytes
    sizes: tuple[int, ...]
    name: str


class ReaderProcess:
    """One process that reads one image after the other, asked by one thread.

    Notes
    -----
    A decoder that crashes ends this process and not the run; the next image is read by a new one.
    """

    def __init__(self, plan: RunPlan) -> None:
        self._plan, self._is_closed, self._is_ready = plan, False, False
        self._connection: Connection
        self._begin()

    def read(self, case: RunCase) -> ReadCase:
        """Read the image of a case, as `stages.read_case`.

        Raises
        ------
        ReadError
            If it cannot be read.
        ReaderLost
            If the process died of it.
        ReaderUnavailable
            If the process never came to life.
        """
        self._wait_for_begin()
        try:
            self._connection.send(case)
            answer = self._connection.recv()
        except (EOFError, OSError) as error:
            if not self._is_closed:
                self._end()
                self._begin()
            hint = "The file may be damaged in a way that its decoder does not survive."
            raise ReaderLost(case.source.path, "the process that read it died", hint) from error
        if isinstance(answer, Exception):
            raise answer
        return cast("ReadCase", _unpack(answer) if isinstance(answer, _Parcel) else answer)

    def close(self) -> None:
        """End the process, whatever it does; it writes nothing."""
        self._is_closed = True
        self._end()

    def _wait_for_begin(self) -> None:
        if self._is_ready:
            return
        try:
            self._is_ready = self._connection.recv() == _READY
        except (EOFError, OSError) as error:
            raise ReaderUnavailable("A process that reads images could not be started.") from error

    def _end(self) -> None:
        self._process.kill()
        self._connection.close()

    def _begin(self) -> None:
        context = multiprocessing.get_context("spawn")  # torch does not survive a fork with threads
        self._connection, theirs = context.Pipe()
        self._is_ready = False
        self._process = context.Process(target=_serve, args=(theirs, self._plan), daemon=True, name="medclf-reader")
        self._process.start()
        theirs.close()


def _serve(connection: Connection, plan: RunPlan) -> None:
    """Read what is asked for, until the other end is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the first process decides
    with suppress(EOFError, OSError):
        connection.send(_READY)
        while True:
            case = connection.recv()
            try:
                answer: object = _pack(read_case(plan, case))
            except Exception as error:  # noqa: BLE001  (raised again where it was asked for)
                answer = error if _can_travel(error) else ReadError(case.source.path, str(error))
            connection.send(answer)


def _pack(read: ReadCase) -> object:
    """Put the arrays of a large image into shared memory, where there is room."""
    buffers: list[pickle.PickleBuffer] = []
    pickled = pickle.dumps(read, protocol=5, buffer_callback=buffers.append)
    arrays = [np.frombuffer(buffer.raw(), dtype=np.uint8) for buffer in buffers]
    sizes = tuple(array.nbytes for array in arrays)
    if sum(sizes) < _LEAST_SHARED_BYTES or not _has_room(sum(sizes)):
        return read
    memory = SharedMemory(create=True, size=sum(sizes))
    start = 0
    for array in arrays:
        np.ndarray(array.shape, np.uint8, memory.buf, start)[:] = array
        start += array.nbytes
    name = memory.name
    memory.close()
    return _Parcel(pickled, sizes, name)


def _unpack(parcel: _Parcel) -> object:
    """Copy arrays out of shared memory, and give it back."""
    memory = SharedMemory(parcel.name)
    try:
        whole = np.array(np.ndarray((sum(parcel.sizes),), np.uint8, memory.buf))
    finally:
        memory.close()
        memory.unlink()
    ends = np.cumsum(parcel.sizes)
    return pickle.loads(  # noqa: S301  (made by our own process)
        parcel.pickled, buffers=[whole[end - size : end] for end, size in zip(ends, parcel.sizes, strict=True)]
    )


def _has_room(n_bytes: int) -> bool:
    """Whether shared memory can take so much; writing more than there is would end the process (Linux)."""
    return not _SHARED.is_dir() or shutil.disk_usage(_SHARED).free > 2 * n_bytes


def _can_travel(error: Exception) -> bool:
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301  (our own)
    except Exception:  # noqa: BLE001  (any failure means no)
        return False
    return True
