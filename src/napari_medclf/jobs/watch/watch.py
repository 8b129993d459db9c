"""Run a model on what others put into a folder."""

from __future__ import annotations

from pathlib import Path

from napari_medclf.domain.errors import ReadError
from napari_medclf.domain.events import Job
from napari_medclf.domain.run import RunRecord
from napari_medclf.jobs.batch.patterns import leave_out_by
from napari_medclf.jobs.watch.arrivals import FolderArrivals, LeaveOut
from napari_medclf.jobs.watch.options import WatchOptions
from napari_medclf.jobs.watch.start import prepare, serve

_LEDGER = "ledger.sqlite"


def watch(options: WatchOptions) -> Job[RunRecord]:
    """Watch a folder and run every image that has arrived complete, until stopped.

    Raises
    ------
    CardError
        If there is no such model.
    ReadError
        If there is no such folder.
    OptionError
        If options do not fit, or the results' folder belongs to another run.
    OutputsLost
        If results cannot be written any more; started again, it goes on.
    """
    if not options.folder.is_dir():
        raise ReadError(options.folder, "is no folder" if options.folder.exists() else "does not exist")
    plan, loaded = yield from prepare("watch", options)
    folder = options.folder.absolute()
    return (
        yield from serve(
            options, plan, loaded, FolderArrivals(folder, options.every, _leave_out(options)), once=options.once
        )
    )


def _leave_out(options: WatchOptions) -> LeaveOut:
    """Leave out what patterns say, and results of runs."""
    by_pattern = leave_out_by(options.folder.absolute(), options.include, options.exclude)
    out = options.out.absolute()

    def leave_out(path: Path, is_folder: bool) -> str:
        if is_folder and (path == out or (path / _LEDGER).is_file()):
            return "holds the results of a run"
        return by_pattern(path, is_folder)

    return leave_out
