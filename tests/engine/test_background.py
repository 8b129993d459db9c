"""A long computation can be left at any time."""

from __future__ import annotations

import threading

import pytest

from napari_medclf.domain.events import FinishReason
from napari_medclf.engine.background import in_background
from napari_medclf.jobs.drive import drive


def test_result_comes_back_and_errors_too() -> None:
    assert drive(in_background(lambda: 42, "Counting")).result == 42
    with pytest.raises(ZeroDivisionError):
        list(in_background(lambda: 1 // 0, "Counting"))


def test_stop_does_not_wait() -> None:
    begun, may_end = threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        may_end.wait(20)

    outcome = drive(in_background(work, "Working"), should_stop=begun.is_set)
    assert outcome.reason is FinishReason.CANCELED
    assert not may_end.is_set()
    may_end.set()
