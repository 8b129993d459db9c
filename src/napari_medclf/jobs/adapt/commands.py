"""The revisions of a project as jobs with options: list, accept, roll back."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from napari_medclf.domain.events import Job, Progress
from napari_medclf.domain.options import check_options, option
from napari_medclf.domain.package import ModelPackage
from napari_medclf.jobs.adapt.revise import Moment, accept, roll_back, time_line
from napari_medclf.store.project import Project


@dataclass(frozen=True, kw_only=True)
class RevisionsOptions:
    """Whose revisions."""

    project: Path = option(help="folder of the project", positional=True)


@dataclass(frozen=True, kw_only=True)
class AcceptOptions(RevisionsOptions):
    """Which revision is to be used."""

    revision: str = option(help="its id, or its number such as r0003", positional=True)
    confirm: bool = option(False, help="use it although it is worse somewhere, or not known to be better")
    author: str = option("", help="who decides; by default the user of this computer")

    def __post_init__(self) -> None:
        check_options(self)


@dataclass(frozen=True, kw_only=True)
class RollBackOptions(RevisionsOptions):
    """Whose model goes back."""

    author: str = option("", help="who decides; by default the user of this computer")


def list_revisions(options: RevisionsOptions) -> Job[tuple[Moment, ...]]:
    """List all revisions, oldest first."""
    yield Progress(0, 0, f"opening {options.project}")
    return time_line(Project.open(options.project))


def accept_revision(options: AcceptOptions) -> Job[ModelPackage]:
    """Take a revision into use: see `revise.accept`."""
    yield Progress(0, 0, f"verifying {options.revision}")
    return accept(Project.open(options.project), options.revision, options.author, is_confirmed=options.confirm)


def roll_back_revision(options: RollBackOptions) -> Job[ModelPackage]:
    """Go back to the revision that was in use before: see `revise.roll_back`."""
    yield Progress(0, 0, f"opening {options.project}")
    return roll_back(Project.open(options.project), options.author)
