"""Bytes that may be in memory at once."""

from __future__ import annotations

import threading

from napari_medclf.jobs.runs.allowance import Allowance

_PATIENCE_S = 20.0


def test_one_case_is_let_in_whatever_it_holds():
    allowance = Allowance(100)

    assert allowance.enter("huge")
    allowance.note("huge", 1000)

    assert allowance.is_full
    assert allowance.held_bytes == 1000


def test_next_case_comes_in_when_another_leaves():
    allowance = Allowance(100)
    allowance.enter("first")
    allowance.note("first", 60)
    is_in = threading.Event()
    threading.Thread(target=lambda: allowance.enter("second") and is_in.set(), daemon=True).start()

    assert not is_in.wait(0.1)
    allowance.leave("first")
    assert is_in.wait(_PATIENCE_S)


def test_image_is_taken_to_be_as_large_as_those_before_it():
    allowance = Allowance(100)
    allowance.enter("first")
    allowance.note("first", 30)

    assert allowance.enter("second")
    assert allowance.held_bytes == 60
    assert allowance.enter("third")
    assert allowance.is_full


def test_who_waits_is_sent_away_at_the_end():
    allowance = Allowance(100)
    allowance.enter("first")
    answers = []
    waiting = threading.Thread(target=lambda: answers.append(allowance.enter("second")), daemon=True)
    waiting.start()

    allowance.close()
    waiting.join(_PATIENCE_S)

    assert answers == [False]
