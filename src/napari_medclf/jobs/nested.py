"""Run a job inside a job, its progress told as a part of the outer one's."""

from __future__ import annotations

from typing import TypeVar

from napari_medclf.domain.events import Job, Noted, Progress

Result = TypeVar("Result")


def within(job: Job[Result], done: int, total: int, message: str, *, is_noted: bool = True) -> Job[Result]:
    """Run one of `total` equal steps, of which `done` are over; of its other events only notes are passed on.

    Parameters
    ----------
    is_noted : bool
        False leaves out the notes, too: of many equal steps, those of the first say enough.

    Notes
    -----
    The place to stop stays where the inner job yields.
    """
    try:
        while True:
            event = next(job)
            if isinstance(event, Noted) and is_noted:
                yield event
                continue
            share = event.done / event.total if isinstance(event, Progress) and event.total > 0 else 0.0
            yield Progress(done + min(share, 1.0), total, message)
    except StopIteration as end:
        result: Result = end.value
        return result
    finally:
        job.close()
