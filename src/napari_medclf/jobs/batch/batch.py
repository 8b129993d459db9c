"""Run a model on every image below a folder; may be stopped, killed and resumed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from napari_medclf.domain.card import Task
from napari_medclf.domain.errors import OptionError, ReadError
from napari_medclf.domain.events import FinishReason, Job, Progress
from napari_medclf.domain.options import check_options, option
from napari_medclf.domain.run import CaseRecord, CaseStatus, RunRecord
from napari_medclf.jobs.outputs.formats import FORMATS, check_formats
from napari_medclf.jobs.predict import RunOptions

if TYPE_CHECKING:
    from napari_medclf.domain.package import ModelPackage
    from napari_medclf.domain.run import RunSpec
    from napari_medclf.jobs.runs.sources import Sources


@dataclass(frozen=True, kw_only=True)
class BatchOptions(RunOptions):
    """What to run on which folder, and where the results go."""

    model: str = option(help="name of a model (`medclf models list`), or its folder", positional=True)
    folder: Path = option(help="folder with the images, searched with all sub-folders", positional=True)
    out: Path = option(help="folder for run.json, results.csv and cases/")
    format: tuple[str, ...] = option(
        ("auto",), help="of results; auto: NIfTI for volumes, PNG for pictures, JSON for scores", choices=FORMATS
    )
    dry_run: bool = option(False, help="only list what would be run and what would be skipped, and why")
    resume: bool = option(False, help="go on with the run in the folder; whole results are not made again")
    workers: int = option(1, help="processes that share the work, each with the model in memory", minimum=1, maximum=64)
    reduced: bool = option(
        False,
        help="read pictures for a classifier at about twice its input size: large JPEG 2000 files are many times "
        "faster, and scores may differ a little",
        advanced=True,
    )
    limit: int | None = option(None, help="run the first images only", minimum=1, advanced=True)

    def __post_init__(self) -> None:
        check_options(self)
        if self.out.resolve() == self.folder.resolve():
            raise OptionError(f"{self.out}: results must not go among the images; choose another folder for --out.")


def batch(options: BatchOptions) -> Job[RunRecord]:
    """Run a model on a folder; one bad file never stops the rest, and each gets its reason.

    Raises
    ------
    CardError
        If there is no such model.
    ReadError
        If there is no such folder.
    OptionError
        If there is no image in it, or the results' folder belongs to another run.
    """
    from napari_medclf.jobs.models import find_model
    from napari_medclf.jobs.runs.case import RunPlan
    from napari_medclf.jobs.runs.cases import run_cases
    from napari_medclf.jobs.spec import spec_of

    package = find_model(options.model)
    check_formats(package.card.task, options.format)
    yield Progress(0, 0, f"looking through {options.folder}")
    reduce_to_px = _reduce_to_px(options, package)
    sources = _find(options, reduce_to_px)
    spec = spec_of("batch", options)
    if options.dry_run:
        return _listing(options, package, sources, spec)
    plan = RunPlan(spec, package, options, options.out, options.format, options.resume, options.workers, reduce_to_px)
    return (yield from run_cases(plan, sources))


def _reduce_to_px(options: BatchOptions, package: ModelPackage) -> int:
    """Give the size that pictures are read at: twice what the network takes, so that the rest is averaged."""
    if not options.reduced:
        return 0
    size = package.card.input.resize_to
    if package.card.task is not Task.CLASSIFY or package.card.input.spatial_dims != 2 or size is None:
        raise OptionError(f"--reduced is for models that classify pictures, and {package.name} is none.")
    return 2 * max(size)


def _find(options: BatchOptions, reduce_to_px: int) -> Sources:
    """List the images, without what an earlier run wrote below the same folder."""
    from napari_medclf.jobs.runs.sources import Sources, find_in_folder

    found = find_in_folder(options.folder, reduce_to_px)
    results = options.out.resolve()
    cases = tuple(case for case in found.cases if not case.source.path.resolve().is_relative_to(results))
    refusals = tuple(one for one in found.refusals if not one.path.resolve().is_relative_to(results))
    if not cases:
        first = f", such as {refusals[0]}" if refusals else "."
        raise ReadError(options.folder, f"holds no readable image; {len(refusals)} files were refused{first}")
    return Sources(cases[: options.limit], refusals)


def _listing(options: BatchOptions, package: ModelPackage, sources: Sources, spec: RunSpec) -> RunRecord:
    """Say what a run would do; nothing is written."""
    from napari_medclf.jobs.runs.case import refused
    from napari_medclf.store.runs import RunFolder

    finished = RunFolder(options.out).finished() if options.resume else {}
    planned = (
        CaseRecord(
            case_id=case.case_id,
            source=case.place,
            status=CaseStatus.SKIPPED,
            reason="was done before" if case.place in finished else "would be run",
        )
        for case in sources.cases
    )
    return RunRecord(
        spec=spec,
        model=package.card.name,
        model_version=package.card.version,
        weights_sha256=package.card.weights_sha256,
        finish_reason=FinishReason.COMPLETED,
        message="Dry run: nothing was run or written.",
        started=datetime.now(UTC).isoformat(timespec="seconds"),
        elapsed_s=0.0,
        cases=(*(refused(one) for one in sources.refusals), *planned),
    )
