"""The only code that runs jobs: pulls events, honours a stop, and turns every end into an `Outcome`."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TypeVar

from napari_medclf.domain.errors import MedclfError
from napari_medclf.domain.events import CaseFailed, FinishReason, Job, JobEvent, Outcome

Result = TypeVar("Result")
_log = logging.getLogger(__name__)


def drive(
    job: Job[Result],
    on_event: Callable[[JobEvent], None] = lambda event: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Outcome[Result]:
    """Run a job to its end on the calling thread; never raises for what the job does.

    Parameters
    ----------
    job : Job
        Not started yet. It is closed here, on this thread, however it ends.
    on_event : callable
        Gets every event, on this thread.
    should_stop : callable
        Asked after every event; True closes the job at the place it yielded.

    Returns
    -------
    Outcome
        Completed with the result, canceled, or failed with a sentence and the exception.
    """
    started = time.perf_counter()
    failures: list[CaseFailed] = []

    def end_with(reason: FinishReason, message: str = "", **more: object) -> Outcome[Result]:
        elapsed_s = time.perf_counter() - started
        return Outcome(reason, message=message, failures=tuple(failures), elapsed_s=elapsed_s, **more)  # type: ignore[arg-type]  # only result= and error= come here

    try:
        while True:
            if should_stop():
                return end_with(FinishReason.CANCELED, "Canceled.")
            event = next(job)
            if isinstance(event, CaseFailed):
                failures.append(event)
            on_event(event)
    except StopIteration as end:
        return end_with(FinishReason.COMPLETED, result=end.value)
    except KeyboardInterrupt:
        return end_with(FinishReason.CANCELED, "Canceled.")
    except Exception as error:  # noqa: BLE001  (the one place where any failure becomes an outcome)
        _log.debug("job failed", exc_info=True)
        return end_with(FinishReason.FAILED, explain(error), error=error)
    finally:
        job.close()


def finish(job: Job[Result]) -> Result:
    """Run a job to its end where nobody listens, and give its result; raises what it raises."""
    while True:
        try:
            next(job)
        except StopIteration as end:
            result: Result = end.value
            return result


def explain(error: BaseException) -> str:
    """Turn an exception into one sentence for people."""
    if isinstance(error, MedclfError):
        return str(error)
    if isinstance(error, MemoryError):
        return "There is not enough memory for this. Close other programs, or take a smaller image or patch."
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}." if error.filename else f"{error.strerror}."
    text = " ".join(str(error).split()) or type(error).__name__
    return f"{type(error).__name__}: {text[:300]}"
