import threading
import time

import pytest
from qtpy.QtCore import QCoreApplication, QThread

from napari_medclf.domain.errors import MedclfError
from napari_medclf.domain.events import FinishReason, Progress, Warned
from napari_medclf.ui.worker import JobWorker


def counting(n: int, pause_s: float = 0.0):
    for number in range(n):
        time.sleep(pause_s)
        yield Progress(number, n)
    return "done"


class Heard:
    """Everything a worker said, and on which thread."""

    def __init__(self, worker: JobWorker) -> None:
        self.events, self.outcomes, self.threads = [], [], set()
        worker.reported.connect(self._on_event)
        worker.ended.connect(self._on_ended)

    def _on_event(self, event) -> None:
        self.events.append(event)
        self.threads.add(threading.current_thread())

    def _on_ended(self, outcome) -> None:
        self.outcomes.append(outcome)
        self.threads.add(threading.current_thread())


@pytest.fixture
def run(qtbot, until):
    kept = []

    def start(factory, *, wait: bool = True) -> tuple[JobWorker, Heard]:
        worker = JobWorker(factory)
        kept.append(worker)
        heard = Heard(worker)
        worker.start()
        if wait:
            until(lambda: heard.outcomes)
        return worker, heard

    return start


def test_result_arrives_once_on_the_gui_thread(run, qtbot) -> None:
    _, heard = run(lambda: counting(3))
    qtbot.wait(100)
    assert [outcome.result for outcome in heard.outcomes] == ["done"]
    assert heard.threads == {threading.main_thread()}


def test_job_runs_off_the_gui_thread(run) -> None:
    def where():
        yield Progress(0, 1)
        return threading.current_thread()

    _, heard = run(where)
    assert heard.outcomes[0].result is not threading.main_thread()


def test_runtime_errors_end_the_job_with_a_sentence(run) -> None:
    def broken():
        yield Progress(0, 1)
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    _, heard = run(broken)
    assert heard.outcomes[0].reason is FinishReason.FAILED
    assert "mat1 and mat2" in heard.outcomes[0].message


def test_error_while_the_job_is_made_is_an_outcome_too(run) -> None:
    def factory():
        raise MedclfError("There is no such model.")

    _, heard = run(factory)
    assert heard.outcomes[0].message == "There is no such model."


def test_cancel_ends_within_two_seconds_and_closes_the_job_on_its_thread(run, until) -> None:
    closed_on = []

    def endless():
        try:
            while True:
                time.sleep(0.01)
                yield Progress(0, 0)
        finally:
            closed_on.append(threading.current_thread())

    worker, heard = run(endless, wait=False)
    until(lambda: heard.events)
    started = time.monotonic()
    worker.cancel()
    until(lambda: heard.outcomes, 5)
    assert time.monotonic() - started < 2
    assert heard.outcomes[0].reason is FinishReason.CANCELED
    assert closed_on[0] is not threading.main_thread()


def test_a_flood_of_progress_does_not_flood_the_window(run) -> None:
    _, heard = run(lambda: counting(20_000))
    assert len(heard.events) < 500


def test_warnings_are_never_dropped(run) -> None:
    def talkative():
        for number in range(200):
            yield Warned(str(number))
            yield Progress(number, 200)

    _, heard = run(talkative)
    assert [event.message for event in heard.events if isinstance(event, Warned)] == [str(n) for n in range(200)]


def test_a_worker_that_is_deleted_while_it_runs_stops_its_job(qtbot, until) -> None:
    ended = threading.Event()

    def endless():
        try:
            while True:
                time.sleep(0.01)
                yield Progress(0, 0)
        finally:
            ended.set()

    worker = JobWorker(endless)
    worker.start()
    worker.deleteLater()
    until(ended.is_set, 5)
    assert QThread.currentThread() == QCoreApplication.instance().thread()
