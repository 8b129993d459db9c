"""Choose whom to hold out, by patient, and see to it that nobody of them is ever learned from."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from napari_medclf.domain.dataset import Case
from napari_medclf.domain.errors import DatasetError, unknown_choice
from napari_medclf.store.holdout import HoldOut, Member, freeze, read_holdout, said_digest
from napari_medclf.store.project import Project
from napari_medclf.store.project_case import ProjectCase, SavedAnnotation
from napari_medclf.store.project_dataset import is_usable, learnable

_FEWEST_PATIENTS = 4
"""With fewer finished patients nobody is held out on the program's own account: they are needed to learn from."""
_FEWEST_HELD_OUT = 5
"""A verdict needs so many patients; while there are few in all, a third is held out."""


@dataclass(frozen=True)
class Finished:
    """A case with the answer that counts."""

    case: ProjectCase
    answer: SavedAnnotation
    key: str
    """Digest of what the answer says: see `store.holdout.said_digest`."""

    @property
    def as_case(self) -> Case:
        """The case as something to learn from or to measure on."""
        return learnable(self.case, self.answer)

    @property
    def data_key(self) -> str:
        """How a data revision names it."""
        return f"{self.case.case_id}:{self.key}"


def finished_cases(project: Project) -> list[Finished]:
    """List the cases whose answer can be learned from, in the order in which they were added."""
    task = project.info.task
    return [
        Finished(case, case.answer, said_digest(case.answer.annotation, task))
        for case in project.cases()
        if case.answer is not None and is_usable(case.answer, task)
    ]


def held_out_cases(project: Project, holdout: HoldOut) -> list[Case]:
    """List the held-out cases with the answers that were frozen, whatever was said of them later.

    Raises
    ------
    DatasetError
        If a frozen answer is gone.
    """
    return [_frozen_case(project, project.case(one.case_id), one) for one in holdout.members]


def ready_holdout(
    project: Project,
    finished: Sequence[Finished],
    learned_from: Collection[str],
    fraction: float,
    wanted: Sequence[str] = (),
    author: str = "",
) -> HoldOut | None:
    """Freeze the hold-out on first use, and let it grow with the project.

    Parameters
    ----------
    learned_from : collection of str
        Cases that a revision has learned from: their patients never join.
    fraction : float
        Part of the finished patients to be held out.
    wanted : sequence of str
        Cases that a person wants to be held out, with all others of their patients.

    Returns
    -------
    HoldOut or None
        None while there are too few patients.

    Raises
    ------
    DatasetError
        If a wanted case is not finished, or a revision has learned from its patient.

    Notes
    -----
    Patients are drawn by a hash of their key, in turns over what was said of them, so that no class is missing.
    """
    by_id = {one.case.case_id: one for one in finished}
    learned = {by_id[case_id].case.group_id for case_id in learned_from if case_id in by_id}
    before = read_holdout(project.folder)
    groups = set(before.groups if before else ()) | {_group_of(name, by_id, learned) for name in wanted}
    if not wanted:
        groups |= _drawn(finished, learned | groups, _n_wanted(finished, fraction) - len(groups))
    digests = before.image_digests if before else frozenset()
    joining = [one for one in finished if one.case.group_id in groups or one.case.image_digest in digests]
    members = [_member(one) for one in joining if one.case.group_id not in learned]
    if before is None and not members:
        return None
    return freeze(project.folder, members, author)


def learnable_cases(
    finished: Sequence[Finished], holdout: HoldOut | None, wanted: Sequence[str] = ()
) -> list[Finished]:
    """Leave out all patients and images of the hold-out.

    Parameters
    ----------
    wanted : sequence of str
        Cases to learn from; empty takes all.

    Raises
    ------
    DatasetError
        If a wanted case is held out or not finished, or nothing is left.
    """
    by_id = {one.case.case_id: one for one in finished}
    for name in wanted:
        if name not in by_id:
            raise DatasetError(unknown_choice("finished case", name, by_id))
        if _is_held(by_id[name], holdout):
            raise DatasetError(
                f"{name!r} is in the hold-out, which the verdict is measured on; it is never learned from."
            )
    chosen = [by_id[name] for name in wanted] if wanted else list(finished)
    free = [one for one in chosen if not _is_held(one, holdout)]
    if not free:
        raise DatasetError("There is nothing to learn from: every finished case is in the hold-out. Correct some more.")
    return free


def _is_held(one: Finished, holdout: HoldOut | None) -> bool:
    return holdout is not None and holdout.holds(one.case.group_id, one.case.image_digest)


def _group_of(name: str, by_id: dict[str, Finished], learned: Collection[str]) -> str:
    if name not in by_id:
        raise DatasetError(unknown_choice("finished case", name, by_id))
    group = by_id[name].case.group_id
    if group in learned:
        raise DatasetError(f"{name!r} cannot be held out: a revision of the model has learned from its patient.")
    return group


def _n_wanted(finished: Sequence[Finished], fraction: float) -> int:
    n_groups = len({one.case.group_id for one in finished})
    if n_groups < _FEWEST_PATIENTS or fraction == 0:
        return 0
    fewest = min(_FEWEST_HELD_OUT, max(n_groups // 3, 1))
    return min(max(round(fraction * n_groups), fewest), n_groups - 1)


def _drawn(finished: Sequence[Finished], taken: Collection[str], n_wanted: int) -> set[str]:
    """Draw patients in turns over what was said of them, each turn in the order of a hash."""
    kinds: dict[tuple[str, ...], list[str]] = {}
    for one in finished:
        if one.case.group_id not in taken:
            kinds.setdefault(one.answer.annotation.classes or (), []).append(one.case.group_id)
    queues = [sorted(set(groups), key=_place) for _, groups in sorted(kinds.items())]
    drawn: list[str] = []
    while len(drawn) < n_wanted and any(queues):
        for queue in queues:
            drawn += [queue.pop(0)] if queue else []
    return set(list(dict.fromkeys(drawn))[: max(n_wanted, 0)])


def _place(group: str) -> str:
    return hashlib.sha256(f"hold-out:{group}".encode()).hexdigest()


def _member(one: Finished) -> Member:
    return Member(
        case_id=one.case.case_id, group_id=one.case.group_id, image_digest=one.case.image_digest, answer=one.key
    )


def _frozen_case(project: Project, case: ProjectCase, member: Member) -> Case:
    task = project.info.task
    for version in reversed(case.versions):
        if said_digest(version.annotation, task) == member.answer and is_usable(version, task):
            return learnable(case, version)
    raise DatasetError(f"{project.folder}: the answer for {case.case_id!r} that the hold-out was frozen with is gone.")
