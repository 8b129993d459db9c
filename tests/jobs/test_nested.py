"""Jobs inside jobs."""

from napari_medclf.domain.events import Noted, Progress, Warned
from napari_medclf.jobs.drive import drive
from napari_medclf.jobs.nested import within


def inner(closed):
    try:
        yield Progress(0, 4, "inner")
        yield Warned("kept back")
        yield Noted("needs 1 GB")
        yield Progress(2, 4, "inner")
        return "result"
    finally:
        closed.append(True)


def test_progress_is_a_part_of_the_outer_one():
    told = []

    outcome = drive(within(inner([]), 3, 10, "case d"), told.append)

    assert outcome.result == "result"
    progress = [event for event in told if isinstance(event, Progress)]
    assert [event.done for event in progress] == [3.0, 3.0, 3.5]
    assert {(event.total, event.message) for event in progress} == {(10, "case d")}
    assert [event for event in told if not isinstance(event, Progress)] == [Noted("needs 1 GB")]


def test_notes_of_a_repeated_step_are_left_out():
    told = []

    drive(within(inner([]), 3, 10, "case d", is_noted=False), told.append)

    assert all(isinstance(event, Progress) for event in told)


def test_stopping_the_outer_closes_the_inner():
    closed = []
    job = within(inner(closed), 0, 1, "case")
    next(job)

    job.close()

    assert closed == [True]
