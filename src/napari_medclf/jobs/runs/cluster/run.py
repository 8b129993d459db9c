"""Run the cases of a run on workers; this process leads it, and alone keeps the book."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, SimpleQueue
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from napari_medclf.domain.errors import MedclfError, OutputsLost, WriteError
from napari_medclf.domain.events import Job, JobEvent, Progress
from napari_medclf.domain.run import CaseRecord
from napari_medclf.jobs.runs.cluster import worker as hand
from napari_medclf.jobs.runs.cluster.briefing import brief
from napari_medclf.jobs.runs.cluster.crew import Crew
from napari_medclf.jobs.runs.cluster.flights import Flight, Flights
from napari_medclf.jobs.runs.cluster.link import Link, dask, join, start_here
from napari_medclf.jobs.runs.cluster.orders import Ended, Order, Task, topic
from napari_medclf.jobs.runs.stages import failed_case

if TYPE_CHECKING:
    from napari_medclf.domain.backend import Predictor
    from napari_medclf.jobs.runs.book import Book
    from napari_medclf.jobs.runs.case import RunCase, RunPlan

_WAIT_S = 0.2
_RESULT_S = 1.0
_START_S = 120.0
_MOST_DEATHS = 8
_MOST_GIVEN = 5
_DEADLY = (
    "Two workers died while they ran it, perhaps for want of memory. Run it alone, or go on with --resume and fewer "
    "--workers."
)
_RESUME = "What was finished is kept; go on with --resume"


def run_on_cluster(plan: RunPlan, loaded: Predictor | None, cases: Sequence[RunCase], book: Book) -> Job[None]:
    """Run cases on the workers of `plan.scheduler`, or without one on `plan.workers` processes of this computer.

    A worker that dies costs nothing but the time of its cases: others take them over. A case over which two workers
    died is given up. Workers that come later take part.

    Raises
    ------
    BackendUnavailable
        If dask.distributed is not installed.
    MedclfError
        If nobody is left to do the work, the scheduler is gone, or results cannot be written any more.
    """
    del loaded  # each worker has its own
    if plan.scheduler:
        link = yield from join(plan.scheduler)
    else:
        link = yield from start_here(min(plan.workers, len(cases)))
    try:
        with _workshop() as workshop:
            order = yield from brief(plan, cases, is_here=link.own is not None, workshop=workshop)
            yield from _Lead(link, order, cases, book).run()
    finally:
        link.close()


@contextmanager
def _workshop() -> Iterator[Path]:
    """Give a folder for the time of a run, on the disk of the installed models."""
    from napari_medclf.store.catalogue import default_user_folder

    home = default_user_folder()
    home.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".run-", dir=home, ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@dataclass
class _Lead:
    """What the leader of a run has in mind."""

    link: Link
    order: Order
    cases: Sequence[RunCase]
    book: Book
    waiting: deque[Flight] = field(default_factory=deque)
    flights: Flights = field(default_factory=Flights)
    next_new: int = 0
    n_done: int = 0
    n_deaths: int = 0
    begun: set[int] = field(default_factory=set)
    heard: SimpleQueue[tuple[str, Any]] = field(default_factory=SimpleQueue)
    due: list[Any] = field(default_factory=list)
    last_worker_s: float = field(default_factory=time.monotonic)

    def run(self) -> Job[None]:
        crew = Crew(self.link.client, self.order)
        self._listen()
        try:
            self._write_probe()
            while self.n_done < len(self.cases):
                yield from crew.step()
                self._check(crew)
                self._fill(crew)
                yield from self._hear(crew)
                yield Progress(self.n_done, len(self.cases), self._doing(crew))
        finally:
            self._leave(crew)

    def _write_probe(self) -> None:
        self.order.sweep_probes()  # of a leader that was killed
        try:
            self.order.probe.write_text(self.order.token)
        except OSError as error:
            raise WriteError(f"{self.order.plan.out}: cannot be written ({error.strerror or error}).") from error

    def _listen(self) -> None:
        client = self.link.client
        client.subscribe_topic(topic(self.order.run_id), lambda event: self.heard.put(("begun", event[1])))
        client.subscribe_topic("all", lambda event: self.heard.put(("event", event[1])))

    def _check(self, crew: Crew) -> None:
        """End a run that nobody can finish."""
        if not self.link.is_open:
            raise MedclfError(f"The scheduler at {self.link.place} is gone. {_RESUME} once it is there again.")
        if self.n_deaths >= _MOST_DEATHS:
            raise MedclfError(
                f"{self.n_deaths} workers died one after the other and none finished a case, perhaps for want of "
                f"memory. {_RESUME} and fewer --workers."
            )
        if crew.is_hopeless:
            address, problem = next(iter(crew.problems.items()))
            raise MedclfError(f"No worker can take part. The first, {address}: {problem}. {_RESUME}.")
        if crew.threads:
            self.last_worker_s = time.monotonic()
        elif self.link.own is not None and time.monotonic() - self.last_worker_s > _START_S:
            raise MedclfError(f"No worker process started within {_START_S:.0f} s. {_RESUME} and fewer --workers.")

    def _fill(self, crew: Crew) -> None:
        """Keep every hand busy, with one case more a worker at the ready."""
        for flight in self.flights.stranded(crew.threads):
            self._take_back(flight)
        if not crew.ready:
            return
        while len(self.flights) < crew.n_hands + len(crew.ready):
            if self.waiting:
                self._give(self.waiting.popleft(), crew)
            elif self.next_new < len(self.cases):
                self._give(Flight(self.next_new, None, frozenset()), crew)
                self.next_new += 1
            else:
                return

    def _give(self, flight: Flight, crew: Crew) -> None:
        task = Task(self.order.run_id, flight.number, self.cases[flight.number])
        flight.workers, flight.begun_by = frozenset(crew.ready), ""
        flight.n_given += 1
        flight.future = self.link.client.submit(
            hand.work,
            task,
            key=f"medclf-{self.order.run_id}-{flight.number}-{flight.n_given}",
            workers=sorted(flight.workers),
            allow_other_workers=False,
            pure=False,
        )
        self.flights.by_number[flight.number] = flight
        flight.future.add_done_callback(lambda future: self.heard.put(("ended", (flight.number, future))))

    def _take_back(self, flight: Flight) -> None:
        self.flights.by_number.pop(flight.number, None)
        self.waiting.append(flight)
        flight.future.cancel()

    def _hear(self, crew: Crew) -> Iterator[JobEvent]:
        """Wait a moment for news, and take all that is there."""
        news: list[tuple[str, Any]] = []
        with suppress(Empty):
            news.append(self.heard.get(timeout=_WAIT_S))
            while True:
                news.append(self.heard.get_nowait())
        news += [("ended", one) for one in self.due]
        self.due = []
        for kind, what in news:
            if kind == "begun":
                self._on_begun(what)
            elif kind == "event":
                yield from self._on_event(what, crew)
            else:
                yield from self._on_ended(what[0], what[1], crew)

    def _on_begun(self, told: dict[str, Any]) -> None:
        flight = self.flights.by_number.get(told.get("begun", -1))
        if flight is not None:
            flight.begun_by = str(told.get("worker", ""))
            self._begin(flight.number)

    def _begin(self, number: int) -> None:
        if number not in self.begun:
            self.begun.add(number)
            self.book.begin(self.cases[number])

    def _on_event(self, told: Any, crew: Crew) -> Iterator[JobEvent]:
        """Learn of a death that nobody ordered."""
        if not isinstance(told, dict) or told.get("action") != "remove-worker":
            return
        address = str(told.get("worker", ""))
        crew.lose(address)
        if told.get("expected"):
            return
        self.n_deaths += 1
        for flight in self.flights.blame(address, told.get("processing-tasks", ())):
            if flight.is_deadly:
                flight.future.cancel()
                yield self._fail(flight, MedclfError(_DEADLY))

    def _on_ended(self, number: int, future: Any, crew: Crew) -> Iterator[JobEvent]:
        flight = self.flights.by_number.get(number)
        if flight is None or flight.future is not future:
            return
        if future.status == "error":
            yield from self._on_error(flight, future.exception())
        elif future.status == "cancelled":
            self._take_back(flight)
        else:
            ended = _result(future)
            if ended is None:
                self.due.append((number, future))
            else:
                yield from self._take(flight, ended, crew)

    def _take(self, flight: Flight, ended: Ended, crew: Crew) -> Iterator[JobEvent]:
        if ended.lost:
            raise OutputsLost(ended.lost)
        if ended.is_unknown_run:
            crew.ready -= flight.workers
        if ended.record is None:
            self._take_back(flight)
        else:
            self.n_deaths = 0
            yield self._enter(flight, ended.record)

    def _on_error(self, flight: Flight, error: BaseException) -> Iterator[JobEvent]:
        """Of a scheduler that blames all cases of a dead worker, or of a worker that cannot even unpack a case."""
        if isinstance(error, dask().KilledWorker) and flight.n_given < _MOST_GIVEN:
            self._take_back(flight)
        else:
            yield self._fail(flight, error)

    def _fail(self, flight: Flight, error: BaseException) -> JobEvent:
        return self._enter(flight, failed_case(self.order.plan, self.cases[flight.number], error))

    def _enter(self, flight: Flight, record: CaseRecord) -> JobEvent:
        self.flights.by_number.pop(flight.number, None)
        self._begin(flight.number)
        self.n_done += 1
        return self.book.enter(record)

    def _doing(self, crew: Crew) -> str:
        n_ready, n_coming = len(crew.ready), len(crew.threads.keys() - crew.ready - crew.problems.keys())
        if not crew.threads:
            return f"waiting for a worker of {self.link.place}"
        return f"{n_ready} workers at work" + (f", {n_coming} loading the model" if n_coming else "")

    def _leave(self, crew: Crew) -> None:
        """Take back what is out, and let workers that go on without us let go of the model."""
        self.order.sweep_probes()
        if not self.link.is_open or self.link.own is not None:
            return
        client = self.link.client
        with suppress(Exception):  # in whatever state the scheduler is, this run is over
            client.unsubscribe_topic("all")
            client.unsubscribe_topic(topic(self.order.run_id))
            client.cancel([one.future for one in self.flights.by_number.values()])
            for address in crew.ready:
                dask().fire_and_forget(client.submit(hand.forget, self.order.run_id, workers=[address], pure=False))


def _result(future: Any) -> Ended | None:
    """What came back; None where its worker died just now, and somebody else does the case again."""
    if future.status != "finished":
        return None
    try:
        found = future.result(timeout=_RESULT_S)
    except (TimeoutError, CancelledError):
        return None
    return found if isinstance(found, Ended) else Ended()
