"""The one loop that runs jobs."""

import pytest

from napari_medclf.domain.errors import DatasetError
from napari_medclf.domain.events import CaseFailed, FinishReason, Progress
from napari_medclf.jobs.drive import drive, explain


def counting(closed):
    try:
        for step in range(5):
            yield Progress(step, 5, "counting")
        return "done"
    finally:
        closed.append(True)


def test_result_and_events_come_out():
    events = []

    outcome = drive(counting([]), events.append)

    assert outcome.reason is FinishReason.COMPLETED
    assert outcome.result == "done"
    assert [event.done for event in events] == [0, 1, 2, 3, 4]


def test_a_stop_closes_the_job_where_it_yielded():
    closed, seen = [], []

    outcome = drive(counting(closed), seen.append, should_stop=lambda: len(seen) == 2)

    assert outcome.reason is FinishReason.CANCELED
    assert len(seen) == 2
    assert closed == [True]


def test_a_failure_becomes_its_sentence():
    def failing():
        yield Progress(0, 1)
        raise DatasetError("eyes/: holds no case.")

    outcome = drive(failing())

    assert outcome.reason is FinishReason.FAILED
    assert outcome.message == "eyes/: holds no case."
    assert isinstance(outcome.error, DatasetError)


def test_torch_like_runtime_errors_are_not_swallowed():
    def failing():
        yield Progress(0, 1)
        raise RuntimeError("shape\nmismatch")

    assert drive(failing()).message == "RuntimeError: shape mismatch"


def test_failed_cases_are_collected(tmp_path):
    def batch():
        yield CaseFailed("a", tmp_path, "is empty")
        return 1

    outcome = drive(batch())

    assert outcome.reason is FinishReason.COMPLETED
    assert [one.case_id for one in outcome.failures] == ["a"]


def test_ctrl_c_is_a_cancel():
    def interrupted():
        yield Progress(0, 1)
        raise KeyboardInterrupt

    assert drive(interrupted()).reason is FinishReason.CANCELED


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (MemoryError(), "There is not enough memory"),
        (FileNotFoundError(2, "No such file or directory", "ct.nii"), "ct.nii: No such file or directory."),
        (OSError(28, "No space left on device"), "No space left on device."),
        (ValueError("odd\n value"), "ValueError: odd value"),
    ],
)
def test_foreign_errors_become_sentences(error, sentence):
    assert explain(error).startswith(sentence)
