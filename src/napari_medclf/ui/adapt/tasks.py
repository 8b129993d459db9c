"""What the window asks of a project's revisions, as jobs for its worker."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from napari_medclf.domain.events import Job, Progress
from napari_medclf.domain.package import ModelPackage
from napari_medclf.jobs.adapt.revise import Moment
from napari_medclf.jobs.worklist.effort import CaseEffort, Gain


@dataclass(frozen=True)
class Worth:
    """The revisions of a project, and what the corrections cost and brought.

    Parameters
    ----------
    package : ModelPackage or None
        The model in use, where it is one that learned here.
    efforts : tuple of CaseEffort
        Seconds of human time of each finished case, in the order in which they were finished.
    gains : tuple of Gain
        What each revision brought on the hold-out.
    """

    moments: tuple[Moment, ...] = ()
    package: ModelPackage | None = None
    efforts: tuple[CaseEffort, ...] = ()
    gains: tuple[Gain, ...] = ()


def read_worth(folder: Path) -> Job[Worth]:
    """Read all of it; a folder that is no project yet has nothing."""
    from napari_medclf.jobs.adapt.revise import current_package, time_line
    from napari_medclf.jobs.worklist.effort import effort_of, gains_of
    from napari_medclf.store.project import Project

    yield Progress(0, 0, "")
    if not Project.is_project(folder):
        return Worth()
    project = Project.open(folder)
    moments = time_line(project)
    data = [one.data for one in moments if one.data is not None]
    return Worth(
        moments=moments,
        package=current_package(project),
        efforts=effort_of(project.cases()).cases,
        gains=gains_of([one.revision for one in moments], data),
    )


def accept_revision(folder: Path, revision_id: str, author: str, *, is_confirmed: bool) -> Job[Worth]:
    """Take a revision into use, and read everything anew."""
    from napari_medclf.jobs.adapt.revise import accept
    from napari_medclf.store.project import Project

    yield Progress(0, 0, "")
    accept(Project.open(folder), revision_id, author, is_confirmed=is_confirmed)
    return (yield from read_worth(folder))


def go_back(folder: Path, author: str) -> Job[Worth]:
    """Go back to the revision before, and read everything anew."""
    from napari_medclf.jobs.adapt.revise import roll_back
    from napari_medclf.store.project import Project

    yield Progress(0, 0, "")
    roll_back(Project.open(folder), author)
    return (yield from read_worth(folder))
