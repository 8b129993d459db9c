"""The three stages of a case: read, answer, write; with plain values between them, for any thread or process."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from napari_medclf.domain.errors import OutputsLost, ReadError
from napari_medclf.domain.events import Job, Progress
from napari_medclf.domain.run import CaseRecord, CaseStatus
from napari_medclf.free_memory import peak_bytes, reset_peak
from napari_medclf.jobs.background import awaited
from napari_medclf.jobs.drive import explain, finish
from napari_medclf.jobs.json_text import printable
from napari_medclf.jobs.predict import predict_image, settings_of
from napari_medclf.jobs.runs.case import RunCase, RunPlan, sentence
from napari_medclf.jobs.runs.faults import check_outputs
from napari_medclf.jobs.runs.kept import input_digest

if TYPE_CHECKING:
    from napari_medclf.domain.backend import Predictor
    from napari_medclf.domain.image import MedImage
    from napari_medclf.domain.results import Prediction

_log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class ReadCase:
    """A case whose image is in memory.

    Parameters
    ----------
    input_sha256 : str
        Of the bytes of all its files.
    read_s : float
        What reading took, and preparing where that was done ahead.
    ready : object or None
        What the model made of it ahead, from `PreparingPredictor.prepare`; it takes `ready_bytes`.
    """

    case: RunCase
    image: MedImage
    input_sha256: str = ""
    read_s: float = 0.0
    ready: Any = field(default=None, repr=False)
    ready_bytes: int = 0

    @property
    def n_bytes(self) -> int:
        """What it takes in memory."""
        return self.ready_bytes + (0 if self.image.is_lazy else int(self.image.data.nbytes))


@dataclass(frozen=True, eq=False)
class Answered:
    """A case that the model has answered.

    Parameters
    ----------
    answer_s : float
        What the answer took.
    peak_bytes : int
        Largest memory of the process meanwhile; 0 where the system does not tell.
    """

    read: ReadCase
    prediction: Prediction = field(repr=False)
    answer_s: float = 0.0
    peak_bytes: int = 0

    @property
    def case(self) -> RunCase:
        """What was answered."""
        return self.read.case


def read_case(plan: RunPlan, case: RunCase) -> ReadCase:
    """Read the image of a case.

    Raises
    ------
    ReadError
        If it cannot be read.
    """
    started_s = time.perf_counter()
    digest = input_digest(case)  # first: what changes while it is read is then seen as changed by the next run
    image = case.load()
    warnings = (*image.warnings, *case.warnings)
    if case.shown:
        name = case.case_id.rpartition("/")[-1]
        image = replace(image, name=name, warnings=tuple(map(case.conceal, warnings)))
    elif case.warnings:
        image = replace(image, warnings=warnings)
    return ReadCase(case, image, digest, time.perf_counter() - started_s)


def prepare_case(plan: RunPlan, loaded: Predictor, read: ReadCase, most_bytes: int) -> ReadCase:
    """Do ahead what comes before the network, where the model can do that.

    Parameters
    ----------
    most_bytes : int
        Larger images are left as they are: the memory of a run is planned when the network is free for it.

    Raises
    ------
    CardError
        If the image does not fit the model.
    """
    from napari_medclf.domain.backend import PreparingPredictor

    if not isinstance(loaded, PreparingPredictor) or read.image.is_lazy:
        return read
    n_bytes = loaded.prepared_bytes(read.image)
    if n_bytes + read.n_bytes > most_bytes:
        return read
    started_s = time.perf_counter()
    ready = finish(loaded.prepare(read.image, settings_of(plan.options)))
    read_s = read.read_s + time.perf_counter() - started_s
    return replace(read, ready=ready, ready_bytes=n_bytes, read_s=read_s)


def answer_case(plan: RunPlan, loaded: Predictor, read: ReadCase) -> Job[Answered]:
    """Run the model on an image that was read; yields as `Predictor.predict`.

    Raises
    ------
    CardError
        If the image does not fit the model.
    MedclfError
        If the run cannot fit into the memory, or the answer is not usable.
    """
    started_s = time.perf_counter()
    reset_peak()
    prediction = yield from predict_image(read.image, plan.package, plan.options, loaded, ready=read.ready)
    return Answered(replace(read, ready=None, ready_bytes=0), prediction, time.perf_counter() - started_s, peak_bytes())


def write_case(plan: RunPlan, answered: Answered) -> CaseRecord:
    """Write the files of a case; when this returns, they are on disk.

    Raises
    ------
    OutputsLost
        If nothing can be written any more; the run must end.
    WriteError
        If this case's files cannot be written.
    """
    try:
        return _write_case(plan, answered)
    except OutputsLost:
        raise
    except Exception as error:
        check_outputs(plan.out, error)
        raise


def _write_case(plan: RunPlan, answered: Answered) -> CaseRecord:
    from napari_medclf.jobs.outputs.values import values_of
    from napari_medclf.jobs.outputs.write import write_outputs
    from napari_medclf.jobs.triage.after import after_answer
    from napari_medclf.store.runs import RunFolder

    started_s = time.perf_counter()
    run, read, case = RunFolder(plan.out), answered.read, answered.case
    schema = plan.package.card.schema_
    outputs: dict[str, str] = {}
    if plan.writes_files:
        folder = run.case_folder(case.case_id)
        with run.case_files(folder) as new:
            written = write_outputs(answered.prediction, read.image, schema, new, plan.formats)
            outputs = run.digests(written.files, new, folder)
        values = written.values
    else:
        values = values_of(answered.prediction, read.image, plan.formats)
    told = after_answer(read.image, answered.prediction, plan.out, case.case_id, is_drawn=plan.writes_files)
    return CaseRecord(
        case_id=case.case_id,
        source=case.place,
        status=CaseStatus.DONE,
        input_sha256=read.input_sha256,
        answered_by=plan.answered_by,
        elapsed_s=read.read_s + answered.answer_s + time.perf_counter() - started_s,
        peak_bytes=answered.peak_bytes,
        outputs=outputs,
        values=values,
        doubts=told.doubts,
        traits=told.traits,
    )


def failed_case(plan: RunPlan, case: RunCase, error: BaseException, **known: Any) -> CaseRecord:
    """Say why a case could not be done.

    Parameters
    ----------
    **known
        Further fields of `CaseRecord`, such as ``elapsed_s`` or ``input_sha256``.

    Notes
    -----
    The source stands beside the reason, so the path of a file that was not read is left out of it.
    """
    _log.debug("case %s failed", case.case_id, exc_info=error)
    text = sentence(error.reason, error.hint) if isinstance(error, ReadError) else explain(error)
    return CaseRecord(
        case_id=case.case_id,
        source=case.place,
        status=CaseStatus.FAILED,
        reason=printable(case.conceal(text)),
        answered_by=plan.answered_by,
        **known,
    )


def run_case(plan: RunPlan, loaded: Predictor, case: RunCase) -> Job[CaseRecord]:
    """Take one case through all stages; raises only for what must end the whole run.

    Raises
    ------
    OutputsLost
        If results cannot be written at all.
    """
    started_s = time.perf_counter()
    try:
        read = yield from awaited(partial(read_case, plan, case), Progress(0, 0, f"reading {case.case_id}"))
        answered = yield from answer_case(plan, loaded, read)
        return write_case(plan, answered)
    except OutputsLost:
        raise
    except Exception as error:  # noqa: BLE001  (one bad case must not end a batch)
        return failed_case(plan, case, error, elapsed_s=time.perf_counter() - started_s)
