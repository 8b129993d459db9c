"""Run cases in one process: images are read ahead, one network answers, and files are written behind it."""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

from napari_medclf.domain.errors import OutputsLost, WriteError
from napari_medclf.domain.events import Job, JobEvent, Progress
from napari_medclf.domain.run import CaseRecord
from napari_medclf.free_memory import give_back
from napari_medclf.jobs.nested import within
from napari_medclf.jobs.runs.allowance import Allowance, answer_bytes, default_allowance_bytes
from napari_medclf.jobs.runs.crew import Crew
from napari_medclf.jobs.runs.readers import Readers
from napari_medclf.jobs.runs.stages import Answered, ReadCase, answer_case, failed_case, prepare_case, write_case

if TYPE_CHECKING:
    from napari_medclf.domain.backend import Predictor
    from napari_medclf.jobs.runs.book import Book
    from napari_medclf.jobs.runs.case import RunCase, RunPlan

_MOST_READERS, _MOST_WRITERS = 32, 4
_MOST_CASES = 64
"""In flight at once, however small: what a kill can cost."""
_POLL_S = 0.2
_PART_FOR_ONE = 4
"""Of the allowance: an image that takes more is prepared when the network is free for it."""
_WORTH_PROCESSES_S = 20.0
"""Seconds of reading that are left, from which on processes earn what it takes to start them."""
_N_TO_GIVE_BACK = 500
"""Cases after which memory that nobody uses goes back to the system; it takes about a millisecond."""
_LAST_WRITES_S = 1.2
"""What a stop waits for files that are being written; the rest of its 2 s is for the network."""
_SWITCH_S = 5e-4
"""How long a thread may keep Python's lock while the network waits for it (5 ms by default, a hundred times a case)."""


def run_pipeline(plan: RunPlan, loaded: Predictor | None, cases: Sequence[RunCase], book: Book) -> Job[None]:
    """Run cases with one model in memory; see `book.Executor`.

    Notes
    -----
    Reading, the network and writing go on at once. What waits between them is bounded by bytes (`Allowance`), so that
    memory does not depend on the number of cases. A stop takes less than 2 s; what was written by then is in the book.
    """
    assert loaded is not None, "this way of running computes in this process"
    line = _Line(plan, loaded, cases, book)
    with _quick_switches():
        try:
            yield from line.run()
        finally:
            line.close()


class _Line:
    """The cases on their way; everything but reading and writing happens on the caller's thread."""

    def __init__(self, plan: RunPlan, loaded: Predictor, cases: Sequence[RunCase], book: Book) -> None:
        self._plan, self._loaded, self._book = plan, loaded, book
        self._waiting, self._n_cases = iter(cases), len(cases)
        self._n_begun = self._n_answered = self._n_entered = 0
        self._read_s = 0.0
        self._allowance = Allowance(default_allowance_bytes(plan.options.memory_gb))
        self._inbox: SimpleQueue[object] = SimpleQueue()
        self._ready: deque[ReadCase] = deque()
        self._reader = Readers(plan, plan.readers)
        self._readers = Crew("read", self._read, self._inbox, plan.readers or _MOST_READERS)
        self._writers = Crew("write", self._write, self._inbox, _MOST_WRITERS)

    def run(self) -> Job[None]:
        """Run all cases."""
        while self._n_entered < self._n_cases:
            yield from self._tend(wait_s=0.0 if self._ready else _POLL_S)
            if self._ready:
                yield from self._answer(self._ready.popleft())

    def close(self) -> None:
        """Stop reading, let files that are being written become whole, and enter them."""
        self._allowance.close()
        self._readers.close()
        self._reader.close()
        self._writers.close(_LAST_WRITES_S)
        with suppress(WriteError):  # where the book cannot be written, that is already being told
            for message in self._messages(0.0):
                if isinstance(message, CaseRecord):
                    self._book.enter(message)

    def _tend(self, wait_s: float = 0.0) -> Iterator[JobEvent]:
        """Give the readers work, and take what came from readers and writers."""
        self._feed()
        if wait_s and not self._allowance.is_full:
            self._read_faster()
        if self._writers.n_open > 1:
            self._writers.grow_if_it_pays()
        is_idle = bool(wait_s)
        for message in self._messages(wait_s):
            is_idle = False
            yield from self._take(message)
        if is_idle:
            yield Progress(self._n_answered, self._n_cases, "waiting for images and files")

    def _read_faster(self) -> None:
        """Help a network that waits: by more threads where those wait, too, by processes where they compute."""
        are_computing = self._readers.grow_if_it_pays()
        n_left = self._n_cases - self._n_begun
        if are_computing and not self._reader.n_processes and n_left * self._read_s > _WORTH_PROCESSES_S:
            n_processes = self._reader.use_processes()
            self._readers.resize(n_processes or self._readers.n_threads)

    def _feed(self) -> None:
        while self._readers.n_open < self._readers.n_threads and self._n_begun - self._n_entered < _MOST_CASES:
            case = next(self._waiting, None)
            if case is None:
                return
            self._book.begin(case)
            self._n_begun += 1
            self._readers.put(case)

    def _messages(self, wait_s: float) -> Iterator[object]:
        """Yield what is in the inbox; wait a while for the first, if there is none."""
        with suppress(Empty):
            yield self._inbox.get(timeout=wait_s) if wait_s else self._inbox.get_nowait()
            while True:
                yield self._inbox.get_nowait()

    def _take(self, message: object) -> Iterator[JobEvent]:
        if isinstance(message, ReadCase):
            self._ready.append(message)
        elif isinstance(message, OutputsLost):
            raise message
        else:
            assert isinstance(message, CaseRecord)
            self._n_entered += 1
            if self._n_entered % _N_TO_GIVE_BACK == 0:
                give_back()
            yield self._book.enter(message)

    def _answer(self, read: ReadCase) -> Job[None]:
        """Let the network answer one case, and look after the others meanwhile."""
        started_s = time.perf_counter()
        job = within(answer_case(self._plan, self._loaded, read), self._n_answered, self._n_cases, read.case.case_id)
        try:
            while True:
                try:
                    event = next(job)
                except StopIteration as end:
                    answered: Answered = end.value
                    break
                except Exception as error:  # noqa: BLE001  (one bad case must not end a batch)
                    self._inbox.put(self._fail(read.case, error, started_s))
                    return
                yield event
                yield from self._tend()
        finally:
            job.close()
            self._n_answered += 1
        self._allowance.note(read.case.case_id, answered.read.n_bytes + answer_bytes(answered.prediction))
        self._writers.put(answered)

    def _read(self, case: RunCase) -> object:
        """Read a case, on a reader's thread."""
        started_s = time.perf_counter()
        if not self._allowance.enter(case.case_id):
            return None
        try:
            read = self._reader.read(case)
            self._read_s = read.read_s
            read = prepare_case(self._plan, self._loaded, read, self._allowance.most_bytes // _PART_FOR_ONE)
        except Exception as error:  # noqa: BLE001  (one bad case must not end a batch)
            return self._fail(case, error, started_s)
        self._allowance.note(case.case_id, read.n_bytes)
        return read

    def _write(self, answered: Answered) -> object:
        """Write what was answered, on a writer's thread."""
        started_s = time.perf_counter()
        try:
            record = write_case(self._plan, answered)
        except OutputsLost as lost:
            return lost
        except Exception as error:  # noqa: BLE001  (one bad case must not end a batch)
            return self._fail(answered.case, error, started_s, input_sha256=answered.read.input_sha256)
        self._allowance.leave(answered.case.case_id)
        return record

    def _fail(self, case: RunCase, error: Exception, started_s: float, **known: Any) -> CaseRecord:
        self._allowance.leave(case.case_id)
        return failed_case(self._plan, case, error, elapsed_s=time.perf_counter() - started_s, **known)


@contextmanager
def _quick_switches() -> Iterator[None]:
    """Let threads of Python take turns more often, so that the network does not wait for a reader at every layer."""
    before_s = sys.getswitchinterval()
    sys.setswitchinterval(min(before_s, _SWITCH_S))
    try:
        yield
    finally:
        sys.setswitchinterval(before_s)
