"""Plan a run over a folder: what will be run, what will be skipped and why, and what it will take."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import wait
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from napari_medclf.domain.errors import ReadError
from napari_medclf.domain.events import Job, Progress
from napari_medclf.domain.series_rule import FolderRule
from napari_medclf.jobs.background import awaited, begin
from napari_medclf.jobs.batch.choose import check_rule
from napari_medclf.jobs.batch.forecast import with_forecast
from napari_medclf.jobs.batch.naming import is_hidden, name_rows
from napari_medclf.jobs.batch.patterns import leave_out_by
from napari_medclf.jobs.batch.planned import BatchPlan
from napari_medclf.jobs.batch.survey import Survey, survey

if TYPE_CHECKING:
    from napari_medclf.domain.package import ModelPackage
    from napari_medclf.domain.run import CaseRecord
    from napari_medclf.io.report import Discovery
    from napari_medclf.jobs.batch.options import BatchOptions
    from napari_medclf.jobs.runs.sources import Sources

_WAIT_S = 0.2
_USABLE = 0.8
"""Of the free memory, for the samples of an image that is read at once; as `io.preflight.check_budget`."""
_LEDGERS = ("ledger.sqlite", "ledger.jsonl")


class _Stopped(Exception):
    """Ends a listing that nobody waits for any more."""


def plan_batch(options: BatchOptions) -> Job[BatchPlan]:
    """Say what a run will do; nothing is written.

    Raises
    ------
    CardError
        If there is no such model.
    ReadError
        If there is no such folder, or no image in it.
    OptionError
        If the rule is none, or the model cannot write what is asked for.
    """
    from napari_medclf.jobs.batch.options import reduced_px
    from napari_medclf.jobs.models import find_model
    from napari_medclf.jobs.outputs.formats import check_formats

    package = find_model(options.model)
    check_formats(package.card.task, options.format)
    reduced_px(options, package)  # refuses what the run would refuse
    surveyed = yield from look_through(options)
    kept = (yield from _find_kept(surveyed, package, options)) if options.resume else {}
    planned = BatchPlan(
        folder=options.folder,
        model=package.card.name,
        model_version=package.card.version,
        rule=FolderRule.of(options),
        rows=tuple(replace(row, record=kept.get(row.record.source, row.record)) for row in surveyed.rows),
    )
    return (yield from with_forecast(planned, package, options))


def look_through(options: BatchOptions) -> Job[Survey]:
    """List a folder and put everything below it into rows.

    Raises
    ------
    ReadError
        If there is no such folder, or no image in it.
    OptionError
        If the rule is none.
    """
    from napari_medclf.jobs.batch.copies import find_copies

    check_rule(options)
    if not options.folder.is_dir():
        raise ReadError(options.folder, "is no folder" if options.folder.exists() else "does not exist")
    folder = options.folder.absolute()
    discovery = yield from _discover(folder, options)
    if not discovery.found:
        refusals = discovery.refusals
        if discovery.left_out:
            first_left = discovery.left_out[0]
            raise ReadError(
                options.folder, f"holds no image that is wanted. {first_left.path.name}: {first_left.reason}"
            )
        first = f", such as {refusals[0]}" if refusals else "."
        raise ReadError(options.folder, f"holds no readable image; {len(refusals)} files were refused{first}")
    work = partial(
        survey,
        discovery,
        folder,
        options,
        find_copies=find_copies,
        limit=options.limit,
        most_bytes=_most_bytes(options),
    )
    found = yield from awaited(work, Progress(0, 0, "looking for copies"))
    return (yield from awaited(partial(name_rows, found, folder, options.layout), Progress(0, 0, "naming cases")))


def sources_of(surveyed: Survey, reduce_to_px: int = 0) -> Sources:
    """Give what is to be run, and the records of all that is not, to a run.

    Parameters
    ----------
    reduce_to_px : int
        As in `sources.load_image`.
    """
    from napari_medclf.jobs.outputs.case_names import HiddenPlace
    from napari_medclf.jobs.runs.case import RunCase
    from napari_medclf.jobs.runs.sources import Sources, load_image

    cases = tuple(
        RunCase(
            row.record.case_id,
            row.source,
            partial(load_image, row.source, reduce_to_px, row.files),
            reason=row.record.reason,
            files=row.files,
            shown=row.record.source if is_hidden(row) else "",
        )
        for row in surveyed.rows
        if row.is_to_run
    )
    skipped = tuple(row.record for row in surveyed.rows if not row.is_to_run)
    hidden = (HiddenPlace(one.record.case_id, one.record.source, one.source) for one in surveyed.rows if is_hidden(one))
    return Sources(cases, (), skipped, tuple(hidden))


def _discover(folder: Path, options: BatchOptions) -> Job[Discovery]:
    """List a folder on another thread, telling how far it is; a stop ends the listing."""
    from napari_medclf.io.read import discover

    seen = (0, 0)
    is_stopped = False

    def on_progress(done: int, total: int) -> None:
        nonlocal seen
        seen = (done, total)
        if is_stopped:
            raise _Stopped

    listing = begin(partial(discover, folder, on_progress, _leave_out(folder, options)))
    try:
        while not listing.done():
            yield Progress(*seen, f"looking through {options.folder}")
            wait([listing], timeout=_WAIT_S)
    finally:
        is_stopped = True
    found = listing.result()
    # What this very run wrote below its folder is no news to anybody.
    out = options.out.resolve()
    return replace(found, left_out=tuple(one for one in found.left_out if not _is_at(one.path, out)))


def _leave_out(folder: Path, options: BatchOptions) -> Callable[[Path, bool], str]:
    """Leave out what the patterns say, and the results of runs, which are no images to run a model on."""
    by_pattern = leave_out_by(folder, options.include, options.exclude)
    out = options.out.resolve()

    def leave_out(path: Path, is_folder: bool) -> str:
        if is_folder and (any((path / name).is_file() for name in _LEDGERS) or _is_at(path, out)):
            return "holds the results of a run"
        return by_pattern(path, is_folder)

    return leave_out


def _is_at(path: Path, place: Path) -> bool:
    """Whether a path leads to a resolved place; only those of its name are resolved, which asks the disk many times."""
    return path.name.casefold() == place.name.casefold() and path.resolve() == place


def _most_bytes(options: BatchOptions) -> int:
    from napari_medclf.free_memory import available_bytes

    free = available_bytes()
    return int(_USABLE * (free if options.memory_gb is None else min(free, options.memory_gb * 1e9)))


def _find_kept(surveyed: Survey, package: ModelPackage, options: BatchOptions) -> Job[dict[str, CaseRecord]]:
    """Find what an earlier run has done and this one need not do again, by source."""
    from napari_medclf.jobs.runs.case import RunPlan
    from napari_medclf.jobs.runs.kept import find_kept
    from napari_medclf.jobs.runs.run_book import answer_digest
    from napari_medclf.jobs.spec import spec_of

    run = RunPlan(spec_of("batch", options), package, options, options.out)
    return (yield from find_kept(options.out, sources_of(surveyed).cases, answer_digest(run)))
