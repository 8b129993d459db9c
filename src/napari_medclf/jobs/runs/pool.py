"""Share the images of a run among processes; each has a model of its own, one of them keeps the book."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from multiprocessing.synchronize import Event
from typing import TYPE_CHECKING

from napari_medclf.domain.dataset import FileRef
from napari_medclf.domain.errors import MedclfError
from napari_medclf.domain.events import Job, JobEvent, Progress
from napari_medclf.domain.run import CaseRecord, CaseStatus
from napari_medclf.jobs.runs.case import RunCase, RunPlan
from napari_medclf.jobs.runs.sources import load_image
from napari_medclf.jobs.runs.stages import run_case

if TYPE_CHECKING:
    from napari_medclf.domain.backend import Predictor

_WAIT_S = 0.2
_state: dict[str, object] = {}
"""What a worker process holds between its cases; empty in every other process."""


def run_in_pool(
    plan: RunPlan, cases: Sequence[RunCase], enter: Callable[[CaseRecord], JobEvent], n_before: int
) -> Job[None]:
    """Run cases in `plan.workers` processes; a stop ends them within about two seconds.

    Parameters
    ----------
    enter : callable
        Writes down how a case ended, in this process only, and returns what to tell about it.

    Raises
    ------
    MedclfError
        If a worker process died; what was finished is in the book.
    """
    context = multiprocessing.get_context("spawn")  # torch does not survive a fork with threads
    stop = context.Event()
    n_workers = min(plan.workers, len(cases))
    total = n_before + len(cases)
    pool = ProcessPoolExecutor(n_workers, context, _begin, (plan, stop, n_workers))
    try:
        futures = {pool.submit(_work, case.case_id, case.source): case for case in cases}
        while futures:
            yield Progress(total - len(futures), total, f"{n_workers} processes at work")
            done, _ = wait(futures, _WAIT_S, FIRST_COMPLETED)
            for future in done:
                del futures[future]
                yield enter(_record_of(future))
    finally:
        stop.set()
        pool.shutdown(cancel_futures=True)


def _record_of(future: Future[CaseRecord]) -> CaseRecord:
    try:
        return future.result()
    except BrokenProcessPool as error:
        raise MedclfError(
            "A worker process died, perhaps for want of memory. What was finished is kept; go on with --resume and "
            "fewer --workers."
        ) from error


def _begin(plan: RunPlan, stop: Event, n_workers: int) -> None:
    """Prepare a worker: its share of the processor, the model, and how it hears of a stop."""
    import signal

    from napari_medclf.jobs.predict import load_package

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the first process decides
    os.environ["OMP_NUM_THREADS"] = str(max((os.cpu_count() or 1) // n_workers, 1))
    _state.update(plan=plan, stop=stop, loaded=load_package(plan.package, plan.options))


def _work(case_id: str, source: FileRef) -> CaseRecord:
    from typing import cast

    from napari_medclf.jobs.drive import drive

    plan, stop, loaded = (
        cast("RunPlan", _state["plan"]),
        cast("Event", _state["stop"]),
        cast("Predictor", _state["loaded"]),
    )
    case = RunCase(case_id, source, partial(load_image, source, plan.reduce_to_px))
    outcome = drive(run_case(plan, loaded, case), should_stop=stop.is_set)
    if outcome.result is None:
        return CaseRecord(case_id=case_id, source=case.place, status=CaseStatus.FAILED, reason=outcome.message)
    return outcome.result
