"""What the work list lets others do: list, lock, ask a model; on a worker, without layers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from napari_medclf.domain.dataset import FileRef
from napari_medclf.domain.events import Job, Progress, Warned
from napari_medclf.jobs.worklist.listing import WorklistOptions, WorkRows, list_cases

if TYPE_CHECKING:
    from napari_medclf.domain.package import ModelPackage
    from napari_medclf.jobs.worklist.rate import Rated


def list_rows(options: WorklistOptions) -> Job[WorkRows | None]:
    """List a project's cases; None where there is no project. What it warns of stands in the result's notes."""
    from napari_medclf.store.project import Project

    yield Progress(0, 0)
    if not Project.is_project(options.project):
        return None
    listing = list_cases(options)
    try:
        while True:
            event = next(listing)
            if not isinstance(event, Warned):
                yield event
    except StopIteration as end:
        found: WorkRows = end.value
        return found


def lock_cases(folder: Path, case_ids: Sequence[str], author: str, *, is_locked: bool) -> Job[None]:
    """Lock cases or unlock them.

    Raises
    ------
    DatasetError
        If a case to lock has no answer.
    """
    from napari_medclf.store.project import Project

    project = Project.open(folder)
    for number, case_id in enumerate(case_ids):
        yield Progress(number, len(case_ids))
        project.lock(case_id, author, is_locked=is_locked)


def ask_model(folder: Path, package: ModelPackage, refs: Sequence[FileRef], *, with_tta: bool) -> Job[Rated]:
    """Put images into the project, which is begun where it is not there, and ask a model about all of its cases."""
    from napari_medclf.jobs.worklist.adding import add_images
    from napari_medclf.jobs.worklist.rate import RateOptions, rate_cases

    yield from add_images(folder, refs, package)
    return (yield from rate_cases(RateOptions(model=package.name, project=folder, tta=with_tta)))
