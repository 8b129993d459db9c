"""What a worker does for a run: get ready, and take cases through all stages."""

from __future__ import annotations

import logging
import os
import threading
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from napari_medclf.domain.errors import OutputsLost
from napari_medclf.domain.events import FinishReason, Job, Progress
from napari_medclf.domain.run_settings import RunSettings
from napari_medclf.jobs.drive import drive, explain
from napari_medclf.jobs.json_text import printable
from napari_medclf.jobs.runs.cluster.orders import Ended, Greeting, Order, Task, topic

if TYPE_CHECKING:
    from napari_medclf.domain.backend import Predictor
    from napari_medclf.domain.image import MedImage
    from napari_medclf.domain.package import ModelPackage
    from napari_medclf.domain.results import Prediction
    from napari_medclf.jobs.runs.case import RunPlan

_POLL_S = 0.2
_MOST_RUNS = 2
_DEFAULT = RunSettings()
_SAME = "napari-medclf"


@dataclass(frozen=True)
class _Run:
    plan: RunPlan
    loaded: Predictor


_runs: dict[str, _Run] = {}
"""The runs that this worker process is ready for, each with its model, the oldest first; empty in other processes."""


def greet(order: Order) -> Greeting:
    """Get ready for a run: look for its folders and its model, and load it; never raises.

    Of the models of earlier runs, the last one is kept, for two people may share the workers.
    """
    silence()
    host = os.uname().nodename if hasattr(os, "uname") else os.environ.get("COMPUTERNAME", "")
    differing = _differing(order)
    try:
        problem = _cannot_run(order, differing)
        if problem:
            return Greeting(problem, host=host, differing=differing)
        package = _find_model(order)
        if package is None:
            return Greeting(lacks_model=True, host=host, differing=differing)
        _prepare(order, package)
    except Exception as error:  # noqa: BLE001  (whatever it is, the leader must hear of it in a sentence)
        return Greeting(printable(explain(error)), host=host, differing=differing)
    return Greeting(host=host, differing=differing)


def work(task: Task) -> Ended:
    """Take a case through all its stages; what is wrong with it is in its record.

    Ends early, within about two seconds, once nobody waits for the task any more.
    """
    from distributed import get_worker

    from napari_medclf.jobs.runs.stages import failed_case, run_case

    run = _runs.get(task.run_id)
    if run is None:
        return Ended(is_unknown_run=True)
    worker = get_worker()
    worker.log_event(topic(task.run_id), {"begun": task.number})
    outcome = drive(run_case(run.plan, run.loaded, task.case), should_stop=_is_unwanted(worker))
    record = outcome.result
    if outcome.reason is FinishReason.FAILED and outcome.error is not None:
        if isinstance(outcome.error, OutputsLost):
            return Ended(lost=outcome.message)
        record = failed_case(run.plan, task.case, outcome.error)
    return Ended(record and record.model_copy(update={"worker": worker.address}))


def forget(run_id: str) -> None:
    """Let a run's model go."""
    _runs.pop(run_id, None)


def silence() -> None:
    """Keep what other packages log and warn of out of this process's log: it may quote values of a file's header."""
    warnings.simplefilter("ignore")
    for name in ("pydicom", "highdicom", "nibabel", "py.warnings"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)


@dataclass(frozen=True)
class _OneByOne:
    """A predictor that several threads of a worker share: they read and write at once, and compute in turns."""

    inner: Predictor
    lock: threading.Lock

    @property
    def package(self) -> ModelPackage:
        return self.inner.package

    @property
    def place(self) -> str:
        return self.inner.place

    def predict(self, image: MedImage, settings: RunSettings = _DEFAULT) -> Job[Prediction]:
        while not self.lock.acquire(timeout=_POLL_S):
            yield Progress(0, 0, "waiting for the model")
        try:
            return (yield from self.inner.predict(image, settings))
        finally:
            self.lock.release()


def _is_unwanted(worker: Any) -> Callable[[], bool]:
    """Tell whether the task at hand was cancelled, or its leader has gone: then its scheduler releases it."""
    key = worker.get_current_task()

    def is_unwanted() -> bool:
        task = worker.state.tasks.get(key)
        return task is None or task.state == "cancelled"

    return is_unwanted


def _differing(order: Order) -> dict[str, str]:
    from napari_medclf.jobs.spec import package_versions

    here = package_versions()
    return {name: here.get(name, "none") for name, wanted in order.versions.items() if here.get(name) != wanted}


def _cannot_run(order: Order, differing: dict[str, str]) -> str:
    """Say what keeps this worker from taking part; empty if nothing does."""
    if _SAME in differing:
        return f"it has version {differing[_SAME]} of this program, and the run {order.versions[_SAME]}"
    try:
        is_shared = order.probe.read_text() == order.token
    except OSError:
        is_shared = False
    if not is_shared:
        return f"it does not see the folder of results {order.plan.out}; put it on a folder that all computers share"
    try:
        order.answer_to_probe(_address()).write_text(order.token)
    except OSError as error:
        return f"it cannot write into the folder of results {order.plan.out} ({error.strerror or error})"
    if not any(os.path.lexists(path) for path in order.samples):
        return "it does not see the images under the paths that this computer has for them"
    return ""


def _address() -> str:
    from distributed import get_worker

    return str(get_worker().address)


def _find_model(order: Order) -> ModelPackage | None:
    from napari_medclf.jobs.runs.cluster.shelf import find_here

    package = order.plan.package
    return package if order.manifest is None else find_here(package, order.manifest)


def _prepare(order: Order, package: ModelPackage) -> None:
    from napari_medclf.jobs.predict import load_package

    if order.run_id in _runs:
        return
    while len(_runs) >= _MOST_RUNS:
        del _runs[next(iter(_runs))]
    plan = replace(order.plan, package=package)
    _runs[order.run_id] = _Run(plan, _OneByOne(load_package(package, plan.options), threading.Lock()))
