"""The workers of a run as its leader knows them: who is there, who is ready, who died of what."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from napari_medclf.domain.events import JobEvent, Noted, Warned
from napari_medclf.jobs.background import begin
from napari_medclf.jobs.drive import explain
from napari_medclf.jobs.json_text import printable
from napari_medclf.jobs.runs.cluster import worker as hand
from napari_medclf.jobs.runs.cluster.manifest import CHUNK_BYTES, Manifest
from napari_medclf.jobs.runs.cluster.orders import Greeting, Order
from napari_medclf.jobs.runs.cluster.shelf import receive

_LOOK_S = 1.0
_RESULT_S = 2.0
_log = logging.getLogger(__name__)


@dataclass
class Crew:
    """Greets every worker that comes, sends it the model if it has none, and knows who can be given cases.

    Parameters
    ----------
    threads : dict
        Address of each worker that is there to how many cases it does at once.
    ready : set
        Those who can be given cases.
    problems : dict
        Address to sentence without its full stop, of those who cannot.
    """

    client: Any
    order: Order
    threads: dict[str, int] = field(default_factory=dict)
    ready: set[str] = field(default_factory=set)
    problems: dict[str, str] = field(default_factory=dict)
    _greetings: dict[str, Any] = field(default_factory=dict)
    _without_model: list[str] = field(default_factory=list)
    _noted: set[str] = field(default_factory=lambda: {""})
    _shipment: Shipment | None = None
    _asked: Future[dict[str, int]] | None = None
    _asked_s: float = -_LOOK_S

    def step(self) -> Iterator[JobEvent]:
        """Do what can be done without waiting; gives what a person should know."""
        self._look_around()
        for address in self.threads.keys() - self.ready - self.problems.keys() - self._greetings.keys():
            if address not in self._without_model:
                self._greet(address)
        for address, greeting in list(self._greetings.items()):
            if greeting.done():
                del self._greetings[address]
                yield from self._hear(address, greeting)
        self._ship()

    @property
    def n_hands(self) -> int:
        """How many cases the ready workers do at once."""
        return sum(self.threads.get(address, 0) for address in self.ready)

    @property
    def is_hopeless(self) -> bool:
        """Whether there are workers, and none of them can ever be given a case."""
        return bool(self.threads) and self.threads.keys() <= self.problems.keys()

    def lose(self, address: str) -> None:
        """Strike a worker off: it died, or knows nothing of the run any more; it is greeted if it is there again."""
        self.ready.discard(address)

    def _look_around(self) -> None:
        """Ask who is there, about once a second; the answer is taken at a later step."""
        if self._asked is None:
            if time.monotonic() - self._asked_s > _LOOK_S:
                self._asked, self._asked_s = begin(lambda: dict(self.client.nthreads())), time.monotonic()
            return
        if not self._asked.done():
            return
        if self._asked.exception() is None:
            self._take_stock(self._asked.result())
        self._asked = None

    def _take_stock(self, threads: dict[str, int]) -> None:
        self.threads = threads
        self.ready &= threads.keys()
        self._without_model = [one for one in self._without_model if one in threads]
        for address in self._greetings.keys() - threads.keys():
            self._greetings.pop(address).cancel()
        if self._shipment is not None and self._shipment.address not in threads:
            self._shipment = None

    def _greet(self, address: str) -> None:
        self._greetings[address] = self._submit(hand.greet, address, self.order)

    def _submit(self, call: Callable[..., Any], address: str, *arguments: object) -> Any:
        return self.client.submit(call, *arguments, workers=[address], allow_other_workers=False, pure=False)

    def _hear(self, address: str, answer: Any) -> Iterator[JobEvent]:
        if answer.status == "cancelled":
            return
        greeting = _greeting_of(answer)
        if greeting is None:
            return
        if greeting.lacks_model:
            self._without_model.append(address)
        elif greeting.problem or not self._has_answered_probe(address):
            problem = greeting.problem or "what it writes into the folder of results is not seen on this computer"
            self.problems[address] = problem = problem.rstrip(".")
            yield Warned(f"The worker {address} on {greeting.host or 'its computer'} is left out: {problem}.")
        else:
            self.ready.add(address)
            listed = ", ".join(f"{name} {version}" for name, version in sorted(greeting.differing.items()))
            if listed not in self._noted:
                self._noted.add(listed)
                yield Noted(f"The worker {address} has {listed}; answers may differ in their last digits.")

    def _has_answered_probe(self, address: str) -> bool:
        path = self.order.answer_to_probe(address)
        try:
            return path.read_text() == self.order.token
        except OSError:
            return False
        finally:
            with suppress(OSError):
                path.unlink()

    def _ship(self) -> None:
        """Send the model to one worker after the other; the others may find it on a shelf that they share."""
        if self._shipment is None and self._without_model and self.order.manifest is not None:
            address = self._without_model[0]
            self._shipment = Shipment(self.order, self.order.manifest, address, self._submit)
        if self._shipment is None or not self._shipment.step():
            return
        if self._shipment.problem:
            self.problems[self._shipment.address] = self._shipment.problem.rstrip(".")
        self._shipment = None
        self._without_model.clear()  # all are greeted again


class Shipment:
    """A model on its way to one worker, piece by piece through the scheduler."""

    def __init__(self, order: Order, manifest: Manifest, address: str, submit: Callable[..., Any]) -> None:
        self.address, self.problem = address, ""
        self._folder, self._manifest, self._submit = order.plan.package.folder, manifest, submit
        self._pieces, self._sent = self._read(), None

    def step(self) -> bool:
        """Send the next piece once the last one has come; True at the end, well or not."""
        if self._sent is not None:
            if not self._sent.done():
                return False
            if self._sent.status != "finished":
                self.problem = "" if self._sent.status == "cancelled" else explain(self._sent.exception())
                return True
        try:
            piece = next(self._pieces, None)
        except OSError as error:
            self.problem = f"the model cannot be read any more ({error.strerror or error})"
            return True
        if piece is None:
            return True
        self._sent = self._submit(receive, self.address, self._manifest, *piece)
        return False

    def _read(self) -> Iterator[tuple[int, int, bytes]]:
        for position, one in enumerate(self._manifest.files):
            with (self._folder / one.name).open("rb") as file:
                offset = 0
                while chunk := file.read(CHUNK_BYTES) or (b"" if offset == 0 else None):
                    yield position, offset, chunk
                    offset += len(chunk)


def _greeting_of(answer: Any) -> Greeting | None:
    """What a worker said; None where it died before it could be heard."""
    if answer.status == "finished":
        try:
            found = answer.result(timeout=_RESULT_S)
        except (TimeoutError, CancelledError):
            return None
        return found if isinstance(found, Greeting) else Greeting("it answered something that is no greeting")
    error = answer.exception()
    if isinstance(error, ModuleNotFoundError):
        return Greeting(f"it has no module {error.name or ''}; install this program there, too".replace("  ", " "))
    _log.debug("a worker could not be greeted", exc_info=error)
    return Greeting(printable(explain(error)))
