"""What cannot be stopped does not hold up a stop."""

from __future__ import annotations

import threading

import pytest

from napari_medclf.domain.errors import ReadError
from napari_medclf.domain.events import FinishReason, Progress
from napari_medclf.jobs.background import awaited
from napari_medclf.jobs.drive import drive


def test_result_and_error_come_back():
    assert drive(awaited(lambda: 3, Progress(0, 1))).result == 3

    def fail():
        raise ReadError("a.dcm", "is cut short")

    outcome = drive(awaited(fail, Progress(0, 1)))
    assert isinstance(outcome.error, ReadError)


@pytest.mark.timeout(20)
def test_stop_does_not_wait_for_the_end():
    go_on = threading.Event()
    ended = threading.Event()

    def work():
        go_on.wait(15)
        ended.set()

    outcome = drive(awaited(work, Progress(0, 1)), should_stop=iter((False, False, True)).__next__)

    assert outcome.reason is FinishReason.CANCELED
    assert not ended.is_set()
    go_on.set()
    assert ended.wait(5)
