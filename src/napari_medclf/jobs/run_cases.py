"""Run one model over many images into a run folder; shared by `predict` and `batch`."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from napari_medclf.domain.errors import ReadError
from napari_medclf.domain.events import CaseDone, CaseFailed, FinishReason, Job, Progress
from napari_medclf.domain.run import CaseRecord, RunRecord, RunSpec
from napari_medclf.jobs.drive import explain
from napari_medclf.jobs.predict import RunOptions, load_package, predict_image

if TYPE_CHECKING:
    from pathlib import Path

    from napari_medclf.domain.package import ModelPackage
    from napari_medclf.engine.model import LoadedModel
    from napari_medclf.io.report import Refusal
    from napari_medclf.jobs.sources import RunCase, Sources
    from napari_medclf.store.runs import RunFolder

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class RunPlan:
    """What is run, how, and where the results go."""

    spec: RunSpec
    package: ModelPackage
    options: RunOptions
    out: Path
    format: str = "auto"
    resume: bool = False


def run_cases(plan: RunPlan, sources: Sources) -> Job[RunRecord]:
    """Run a model on every image; what fails is recorded with its reason, and the rest goes on.

    Each case is on disk and in the ledger before the next begins. However the run ends, unless it
    is killed, ``results.csv`` and ``run.json`` say what was done.
    """
    from napari_medclf.store.runs import RunFolder

    run = RunFolder.start(plan.out, plan.spec, weights_sha256=plan.package.card.weights_sha256, resume=plan.resume)
    clock = _Clock()
    records = [refused(one) for one in sources.refusals]
    reason, message = FinishReason.FAILED, ""
    try:
        for one in records:
            yield CaseFailed(one.case_id, plan.out, one.reason)
        device = yield from _run_all(plan, run, sources.cases, records)
        reason = FinishReason.COMPLETED
        return _finish(plan, run, records, clock, reason, device=device)
    except (GeneratorExit, KeyboardInterrupt):
        reason, message = FinishReason.CANCELED, "Canceled."
        raise
    except Exception as error:
        message = explain(error)
        raise
    finally:
        if reason is not FinishReason.COMPLETED:
            _finish(plan, run, records, clock, reason, message)


def refused(refusal: Refusal) -> CaseRecord:
    """Record a file that was refused before any model saw it."""
    return CaseRecord(
        case_id=refusal.path.name,
        source=str(refusal.path),
        status="skipped",
        reason=_sentence(refusal.reason, refusal.hint),
    )


def _why(error: Exception) -> str:
    """Say what failed; the source stands beside it, so the path of a file that was not read is left out."""
    return _sentence(error.reason, error.hint) if isinstance(error, ReadError) else explain(error)


def _sentence(reason: str, hint: str) -> str:
    return f"{reason.rstrip('.')}. {hint}".strip()


class _Clock:
    """When a run started, for people and for stop watches."""

    def __init__(self) -> None:
        self.started = datetime.now(UTC).isoformat(timespec="seconds")
        self._started_s = time.perf_counter()

    @property
    def elapsed_s(self) -> float:
        return time.perf_counter() - self._started_s


def _run_all(plan: RunPlan, run: RunFolder, cases: Sequence[RunCase], records: list[CaseRecord]) -> Job[str]:
    finished = run.finished()
    device, loaded = "", None
    for position, case in enumerate(cases):
        known = finished.get(str(case.source))
        if known is not None:
            records.append(known)
            yield Progress(position + 1, len(cases), f"{case.case_id} was done before")
            continue
        if loaded is None:
            yield Progress(position, len(cases), f"loading {plan.package.name}")
            loaded = load_package(plan.package, plan.options)
            device = str(loaded.device)
        record = yield from _run_one(plan, run, loaded, case, position, len(cases))
        run.record(record)
        records.append(record)
        if record.status == "done":
            yield CaseDone(case.case_id, case.source.path, record)
        else:
            yield CaseFailed(case.case_id, case.source.path, record.reason)
    return device


def _run_one(
    plan: RunPlan, run: RunFolder, loaded: LoadedModel, case: RunCase, done: int, total: int
) -> Job[CaseRecord]:
    from napari_medclf.jobs.nested import within
    from napari_medclf.jobs.outputs import write_outputs

    started_s = time.perf_counter()
    yield Progress(done, total, case.case_id)
    try:
        image = case.load()
        prediction = yield from within(
            predict_image(image, plan.package, plan.options, loaded), done, total, case.case_id
        )
        written = write_outputs(prediction, image, run.case_folder(case.case_id), plan.format)
    except Exception as error:  # noqa: BLE001  (one bad case must not end a batch)
        _log.debug("case %s failed", case.case_id, exc_info=True)
        return CaseRecord(
            case_id=case.case_id,
            source=str(case.source),
            status="failed",
            reason=_why(error),
            elapsed_s=time.perf_counter() - started_s,
        )
    return CaseRecord(
        case_id=case.case_id,
        source=str(case.source),
        status="done",
        elapsed_s=time.perf_counter() - started_s,
        outputs=run.digests(written.files),
        values=written.values,
    )


def _finish(
    plan: RunPlan,
    run: RunFolder,
    records: Iterable[CaseRecord],
    clock: _Clock,
    reason: FinishReason,
    message: str = "",
    device: str = "",
) -> RunRecord:
    card = plan.package.card
    record = RunRecord(
        spec=plan.spec,
        model=card.name,
        model_version=card.version,
        weights_sha256=card.weights_sha256,
        device=device or plan.options.device,
        finish_reason=reason,
        message=message,
        started=clock.started,
        elapsed_s=clock.elapsed_s,
        cases=tuple(records),
    )
    run.finish(record)
    return record
