"""Threads that do one stage of every case."""

from __future__ import annotations

import threading
import time
from queue import SimpleQueue

from napari_medclf.jobs.runs.crew import Crew

_PATIENCE_S = 20.0


def test_everything_is_done_once():
    inbox: SimpleQueue = SimpleQueue()
    crew = Crew("test", lambda number: number * number, inbox, most=3)
    for number in range(20):
        crew.put(number)

    assert sorted(inbox.get(timeout=_PATIENCE_S) for _ in range(20)) == [number**2 for number in range(20)]
    crew.close(wait_s=_PATIENCE_S)


def test_threads_that_wait_become_more_until_there_are_enough():
    """Sixteen waits at once need sixteen threads."""
    inbox: SimpleQueue = SimpleQueue()
    together = threading.Barrier(16)
    crew = Crew("test", lambda is_last: together.wait(_PATIENCE_S) if is_last else time.sleep(0.02), inbox, most=16)
    for _ in range(80):
        crew.put(False)
    until_s = time.monotonic() + _PATIENCE_S
    while crew.n_threads < 16 and time.monotonic() < until_s:
        crew.grow_if_it_pays()
        crew.put(False)
        time.sleep(0.01)
    for _ in range(16):
        crew.put(True)

    places = set()
    while len(places) < 16:
        answer = inbox.get(timeout=_PATIENCE_S)
        places |= set() if answer is None else {answer}
    assert places == set(range(16))
    assert crew.n_threads == 16
    crew.close()


def test_threads_that_compute_are_told_and_do_not_become_more():
    inbox: SimpleQueue = SimpleQueue()
    crew = Crew("test", lambda number: sum(range(300_000)), inbox, most=8)
    are_computing = False
    until_s = time.monotonic() + _PATIENCE_S
    while not are_computing and time.monotonic() < until_s:
        for _ in range(8):
            crew.put(0)
        for _ in range(5):
            inbox.get(timeout=_PATIENCE_S)
        crew._cpu_s += 1e3
        are_computing = crew.grow_if_it_pays()

    assert are_computing
    assert crew.n_threads == 4
    crew.close()


def test_closing_waits_for_what_was_begun_and_drops_the_rest():
    inbox: SimpleQueue = SimpleQueue()
    begun, may_end = threading.Event(), threading.Event()

    def work(number):
        begun.set()
        may_end.wait(_PATIENCE_S)
        return number

    crew = Crew("test", work, inbox, most=1)
    for number in range(5):
        crew.put(number)
    assert begun.wait(_PATIENCE_S)
    threading.Timer(0.05, may_end.set).start()
    crew.close(wait_s=_PATIENCE_S)

    assert inbox.get(timeout=_PATIENCE_S) == 0
    assert inbox.empty()
