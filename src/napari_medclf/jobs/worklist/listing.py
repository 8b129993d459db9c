"""The work list of a project: every case with where it stands, in the order a person wants."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_medclf.domain.annotation import CaseState
from napari_medclf.domain.dataset import FileRef
from napari_medclf.domain.events import Job, Progress, Warned
from napari_medclf.domain.options import check_options, option
from napari_medclf.jobs.worklist.effort import Effort, effort_of
from napari_medclf.jobs.worklist.ordering import MEASURES, Order, Ordered, is_unsure, newest_model, order_cases

if TYPE_CHECKING:
    from napari_medclf.store.project import ProjectCase


@dataclass(frozen=True)
class WorklistOptions:
    """Which cases of a project, and in which order."""

    project: Path = option(help="folder of the project", positional=True)
    order: Order = option(Order.FOLDER, help="what comes first among the cases that wait for a person")
    state: tuple[str, ...] = option((), help="only cases in these states", choices=[one.value for one in CaseState])
    measure: str = option("any", help="which kind of uncertainty counts; any: the largest", choices=MEASURES)
    add: tuple[Path, ...] = option((), help="images or folders to add; a project that is not there is made for --model")
    model: str = option("", help="ask this model first about the cases that it has not answered yet")
    reader: str = option("", help="show the list as this blind reader sees it: without answers of others")
    lock: tuple[str, ...] = option((), help="cases to close, so that nobody changes them")
    unlock: tuple[str, ...] = option((), help="cases to open again")
    seed: int = option(0, help="for a random order", minimum=0, advanced=True)

    def __post_init__(self) -> None:
        check_options(self)


@dataclass(frozen=True)
class WorkRow:
    """One case of the list.

    Parameters
    ----------
    doubt, gain : float or None
        As in `ordering.Ordered`.
    author : str
        Whose answer counts; empty without one.
    readers : tuple of str
        Who gave a finished answer.
    active_s : float
        Seconds that people worked on it.
    """

    case_id: str
    state: CaseState
    image: FileRef
    is_open: bool
    doubt: float | None = None
    gain: float | None = None
    author: str = ""
    readers: tuple[str, ...] = ()
    active_s: float = 0.0
    is_unsure: bool = False
    comment: str = ""


@dataclass(frozen=True)
class WorkRows:
    """A work list.

    Parameters
    ----------
    counts : dict
        How many cases of the whole project are in each state.
    model : str
        The model that was asked last; empty where none was.
    """

    project: Path
    name: str
    order: Order
    rows: tuple[WorkRow, ...]
    counts: Mapping[CaseState, int]
    effort: Effort
    notes: tuple[str, ...] = ()
    model: str = ""

    def as_document(self) -> Mapping[str, Any]:
        """The list for JSON."""
        return {
            "project": self.project,
            "name": self.name,
            "order": self.order,
            "counts": {state.value: n for state, n in self.counts.items()},
            "effort": self.effort.as_document(),
            "cases": [{**vars(row), "image": str(row.image)} for row in self.rows],
            "notes": self.notes,
        }


def list_cases(options: WorklistOptions) -> Job[WorkRows]:
    """List a project's cases in order; locks, unlocks and asks a model first where that is wanted.

    Raises
    ------
    DatasetError
        If there is no such project or case, or a case to lock has no answer.
    CardError
        If there is no such model.
    """
    from napari_medclf.store.project import Project

    if options.add:
        yield from _add(options)
    if options.model:
        from napari_medclf.jobs.worklist.rate import RateOptions, rate_cases

        yield from rate_cases(RateOptions(model=options.model, project=options.project))
    yield Progress(0, 0, f"reading {options.project.name}")
    project = Project.open(options.project)
    for note in project.notes:
        yield Warned(note)
    for case_ids, is_locked in ((options.unlock, False), (options.lock, True)):
        for case_id in case_ids:
            project.lock(case_id, options.reader, is_locked=is_locked)
    cases = project.cases()
    if options.reader:
        cases = tuple(case.seen_by(options.reader) for case in cases)
    unsure = frozenset(
        mark.case_id for mark in project.marks() if mark.is_unsure and options.reader in ("", mark.author)
    )
    found = order_cases(cases, options.order, measure=options.measure, seed=options.seed, unsure=unsure)
    for note in found.notes:
        yield Warned(note)
    wanted = {CaseState(one) for one in options.state}
    rows = tuple(_row(one, unsure) for one in found.cases if not wanted or one.case.state in wanted)
    counts = Counter(case.state for case in cases)
    return WorkRows(
        options.project,
        project.info.name,
        options.order,
        rows,
        {state: counts[state] for state in CaseState if counts[state]},
        effort_of(cases),
        found.notes,
        newest_model(cases),
    )


def _add(options: WorklistOptions) -> Job[None]:
    from napari_medclf.jobs.models import find_model
    from napari_medclf.jobs.runs.sources import find_in_folder, split_member
    from napari_medclf.jobs.worklist.adding import add_images

    package = find_model(options.model) if options.model else None
    refs: list[FileRef] = []
    for path in options.add:
        if not path.is_dir():
            refs.append(split_member(path))
            continue
        sources = find_in_folder(path)
        refs += [one.source for one in sources.cases]
        for refusal in sources.refusals:
            yield Warned(str(refusal.as_error()))
    yield from add_images(options.project, refs, package)


def _row(one: Ordered, unsure: frozenset[str]) -> WorkRow:
    case: ProjectCase = one.case
    said = None if case.newest is None else case.newest.annotation
    return WorkRow(
        case_id=case.case_id,
        state=case.state,
        image=case.image,
        is_open=one.is_open,
        doubt=one.doubt,
        gain=one.gain,
        author="" if said is None else said.author,
        readers=case.readers,
        active_s=sum(version.annotation.active_s for version in case.versions),
        is_unsure=is_unsure(case, unsure),
        comment="" if said is None else said.comment,
    )
