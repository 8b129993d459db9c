"""Run a loaded model on one image of a run and write what it said; never raises for a bad image."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from napari_medclf.domain.dataset import FileRef
from napari_medclf.domain.errors import ReadError
from napari_medclf.domain.events import Job, Progress
from napari_medclf.domain.run import CaseRecord, CaseStatus, RunSpec
from napari_medclf.jobs.background import awaited
from napari_medclf.jobs.drive import explain
from napari_medclf.jobs.json_text import printable
from napari_medclf.jobs.predict import RunOptions, predict_image

if TYPE_CHECKING:
    from napari_medclf.domain.backend import Predictor
    from napari_medclf.domain.image import MedImage
    from napari_medclf.domain.package import ModelPackage
    from napari_medclf.io.report import Refusal

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class RunCase:
    """One image to run a model on; `load` reads it."""

    case_id: str
    source: FileRef
    load: Callable[[], MedImage]

    @property
    def place(self) -> str:
        """Where the image is, as the ledger and the results write it."""
        return printable(str(self.source))


@dataclass(frozen=True)
class RunPlan:
    """What is run, how, and where the results go.

    Parameters
    ----------
    workers : int
        Processes that share the work, each with a model of its own.
    reduce_to_px : int
        As in `sources.load_image`.
    """

    spec: RunSpec
    package: ModelPackage
    options: RunOptions
    out: Path
    formats: tuple[str, ...] = ("auto",)
    resume: bool = False
    workers: int = 1
    reduce_to_px: int = 0


def run_case(plan: RunPlan, loaded: Predictor, case: RunCase, done: int = 0, total: int = 1) -> Job[CaseRecord]:
    """Read, predict, write; `done` and `total` place it in the progress of the run."""
    started_s = time.perf_counter()
    yield Progress(done, total, case.case_id)
    try:
        record = yield from _run(plan, loaded, case, done, total)
    except Exception as error:  # noqa: BLE001  (one bad case must not end a batch)
        _log.debug("case %s failed", case.case_id, exc_info=True)
        record = CaseRecord(case_id=case.case_id, source=case.place, status=CaseStatus.FAILED, reason=_why(error))
    return record.model_copy(update={"elapsed_s": time.perf_counter() - started_s})


def refused(refusal: Refusal) -> CaseRecord:
    """Record a file that was refused before any model saw it."""
    return CaseRecord(
        case_id=printable(refusal.path.name),
        source=printable(str(refusal.path)),
        status=CaseStatus.SKIPPED,
        reason=printable(_sentence(refusal.reason, refusal.hint)),
    )


def _run(plan: RunPlan, loaded: Predictor, case: RunCase, done: int, total: int) -> Job[CaseRecord]:
    from napari_medclf.jobs.nested import within
    from napari_medclf.jobs.outputs import write_outputs
    from napari_medclf.store.runs import RunFolder

    run = RunFolder(plan.out)
    image = yield from awaited(case.load, Progress(done, total, f"reading {case.case_id}"))
    running = predict_image(image, plan.package, plan.options, loaded)
    prediction = yield from within(running, done, total, case.case_id)
    written = write_outputs(prediction, image, plan.package.card.schema_, run.case_folder(case.case_id), plan.formats)
    return CaseRecord(
        case_id=case.case_id,
        source=case.place,
        status=CaseStatus.DONE,
        outputs=run.digests(written.files),
        values=written.values,
    )


def _why(error: Exception) -> str:
    """Say what failed; the source stands beside it, so the path of a file that was not read is left out."""
    return printable(_sentence(error.reason, error.hint) if isinstance(error, ReadError) else explain(error))


def _sentence(reason: str, hint: str) -> str:
    return f"{reason.rstrip('.')}. {hint}".strip()
