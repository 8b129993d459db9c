"""Cases on their way through one process: overlapped, bounded, and stopped at any place."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from functools import partial

import pytest

from napari_medclf.domain.errors import OutputsLost, ReadError
from napari_medclf.domain.events import CaseDone, FinishReason, Progress
from napari_medclf.jobs.runs import pipeline

_PATIENCE_S = 20.0


def test_every_case_is_begun_and_entered_once(run_line, cases):
    outcome, book = run_line(cases)

    assert outcome.reason is FinishReason.COMPLETED
    assert not [one.reason for one in book.records if one.reason]
    assert sorted(book.begun) == book.done == [case.case_id for case in cases]
    brightest = next(one for one in book.records if one.case_id == "case_8")
    assert brightest.values["score:bright"] == pytest.approx(160 / 255)
    assert brightest.outputs
    assert brightest.input_sha256


def test_next_image_is_read_and_the_first_is_written_while_the_network_is_busy(run_line, cases, make_image):
    """The network answers the third only once the fourth was read and the first is in the book."""
    fourth_is_read, first_is_written = threading.Event(), threading.Event()

    def before(image):
        if image.data.max() == 40:
            assert fourth_is_read.wait(_PATIENCE_S)
            assert first_is_written.wait(_PATIENCE_S)

    def load():
        fourth_is_read.set()
        return make_image(60.0)

    def watch(plan, answered):
        first_is_written.set()
        return write(plan, answered)

    cases[3] = replace(cases[3], load=load)
    write = pipeline.write_case
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pipeline, "write_case", watch)
        outcome, book = run_line(cases, before)

    assert outcome.reason is FinishReason.COMPLETED
    assert len(book.done) == 9


def test_image_that_breaks_a_stage_fails_its_own_case_only(run_line, cases, make_image, tmp_path):
    def cut():
        raise ReadError(tmp_path / "cut.dcm", "is cut short")

    cases[2] = replace(cases[2], load=cut)
    cases[5] = replace(cases[5], load=partial(make_image, -1.0))

    outcome, book = run_line(cases)

    assert outcome.reason is FinishReason.COMPLETED
    reasons = {one.case_id: one.reason for one in book.records if one.reason}
    assert reasons == {"case_2": "is cut short.", "case_5": "ValueError: the mean is below nothing"}
    assert len(book.done) == 7


def test_images_that_wait_are_bounded_by_their_bytes(run_line, make_case, make_image, tmp_path, monkeypatch):
    """Images of 1 MB, room for four: while the network stands still, no more are read than fit."""
    monkeypatch.setattr(pipeline, "default_allowance_bytes", lambda memory_gb: 4 * 2**20)
    read, held = [], []
    standstill = threading.Event()

    def load(number):
        read.append(number)
        return make_image(1.0, (1, 512, 512))

    def before(image):
        standstill.wait(0.5 if not held else 0)  # long enough for readers that nobody holds back
        held.append(len(read) - len(held))

    cases = [make_case(f"case_{n}", partial(load, n), tmp_path) for n in range(30)]
    outcome, book = run_line(cases, before)

    assert outcome.reason is FinishReason.COMPLETED
    assert len(book.done) == 30
    assert max(held) <= 5


def test_waits_of_a_slow_share_pass_at_the_same_time(run_line, make_case, make_image, tmp_path):
    """Opening a file takes 50 ms, the network nothing: sixteen files are opened at once sooner or later."""
    lock, at_once, most = threading.Lock(), 0, 0

    def load():
        nonlocal at_once, most
        with lock:
            at_once += 1
            most = max(most, at_once)
        time.sleep(0.05)
        with lock:
            at_once -= 1
        return make_image(1.0)

    outcome, book = run_line([make_case(f"case_{n}", load, tmp_path) for n in range(80)])

    assert outcome.reason is FinishReason.COMPLETED
    assert len(book.done) == 80
    assert most >= 16


def test_stop_waits_for_no_file_and_keeps_what_was_written(run_line, cases):
    forever = threading.Event()
    cases[6] = replace(cases[6], load=forever.wait)
    cases[7] = replace(cases[7], load=forever.wait)
    seen = []

    outcome, book = run_line(cases[:8], on_event=seen.append, should_stop=lambda: _n_done(seen) >= 2)

    assert outcome.reason is FinishReason.CANCELED
    assert 2 <= len(book.done) <= 6
    forever.set()


def _n_done(events):
    return sum(isinstance(event, CaseDone) for event in events)


def test_lost_folder_of_results_ends_the_run_with_a_sentence(run_line, plan, cases):
    def before(image):
        if image.data.max() == 40:
            plan.out.rename(plan.out.with_name("elsewhere"))
            plan.out.write_bytes(b"no folder any more")

    outcome, _ = run_line(cases, before)

    assert outcome.reason is FinishReason.FAILED
    assert isinstance(outcome.error, OutputsLost)


def test_progress_never_goes_back(run_line, cases):
    seen = []

    run_line(cases, on_event=seen.append)

    shares = [event.done / event.total for event in seen if isinstance(event, Progress)]
    assert shares == sorted(shares)


def test_processes_that_read_give_what_threads_give(run_line, plan, pictures):
    _, by_threads = run_line(pictures)
    _, by_processes = run_line(pictures, plan=replace(plan, readers=1))

    def answers(book):
        return sorted((one.case_id, one.input_sha256, sorted(one.values.items())) for one in book.records)

    assert by_threads.done == ["large", "small"]
    assert answers(by_processes) == answers(by_threads)
