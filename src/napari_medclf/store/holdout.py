"""The hold-out of a project: patients whose answers are for measuring alone, frozen when it is first used.

``holdout.jsonl`` has a line a version. A version holds all members of the one before it: patients may join, and none
ever leaves.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from napari_medclf.domain.annotation import Annotation
from napari_medclf.domain.card import Task
from napari_medclf.domain.errors import DatasetError
from napari_medclf.store.audited_journal import AuditedJournal
from napari_medclf.store.authorship import now_utc

_FILE = "holdout.jsonl"
_DIGITS = 16


class Member(BaseModel):
    """A case that is measured on.

    Parameters
    ----------
    answer : str
        Digest of the answer that counts as the truth: see `said_digest`. Later answers do not change it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    case_id: str
    group_id: str
    image_digest: str
    answer: str


class HoldOut(BaseModel):
    """One frozen version of the hold-out.

    Parameters
    ----------
    sha256 : str
        Of the sorted members; a line that was changed by hand is noticed by it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: Literal[1] = 1
    members: tuple[Member, ...]
    sha256: str
    author: str = ""
    created: str = ""

    @property
    def groups(self) -> frozenset[str]:
        """The patients, of whom no case is ever learned from."""
        return frozenset(one.group_id for one in self.members)

    @property
    def image_digests(self) -> frozenset[str]:
        """The images, whatever they are called."""
        return frozenset(one.image_digest for one in self.members)

    def holds(self, group_id: str, image_digest: str) -> bool:
        """Whether a case must not be learned from: its patient or its image is held out."""
        return group_id in self.groups or image_digest in self.image_digests


def said_digest(annotation: Annotation, task: Task) -> str:
    """Identify what an answer says for a task: the digest of its labels, or of its sorted classes."""
    if task is not Task.CLASSIFY:
        return annotation.label_digest[:_DIGITS]
    return hashlib.sha256("\n".join(sorted(annotation.classes or ())).encode()).hexdigest()[:_DIGITS]


def read_holdout(project: Path) -> HoldOut | None:
    """Read the newest version; None before the first.

    Raises
    ------
    DatasetError
        If it was changed by hand, or is of a newer version of this program.
    """
    newest = None
    for raw in AuditedJournal(project / _FILE).entries():
        newest = raw
    if newest is None:
        return None
    try:
        found = HoldOut.model_validate(newest)
    except ValidationError as error:
        raise DatasetError(f"{project / _FILE}: is not understood ({error.errors()[0]['msg']}).") from error
    if found.sha256 != _sha256(found.members):
        raise DatasetError(
            f"{project / _FILE}: was changed; its cases are not the ones that were frozen. Verdicts would not be "
            "comparable. Bring the file back from a copy."
        )
    return found


def freeze(project: Path, members: Iterable[Member], author: str = "") -> HoldOut:
    """Freeze a hold-out, or let further cases join the one that is there.

    Returns
    -------
    HoldOut
        With all earlier members.

    Raises
    ------
    DatasetError
        If nobody is in it.
    WriteError
        If it cannot be written; the earlier version stays.
    """
    before = read_holdout(project)
    kept = {one.case_id: one for one in (before.members if before else ())}
    for one in members:
        kept.setdefault(one.case_id, one)
    if not kept:
        raise DatasetError(f"{project}: a hold-out needs at least one case.")
    if before is not None and len(kept) == len(before.members):
        return before
    ordered = tuple(sorted(kept.values(), key=lambda one: one.case_id))
    frozen = HoldOut(members=ordered, sha256=_sha256(ordered), author=author, created=now_utc())
    AuditedJournal(project / _FILE).append(frozen)
    return frozen


def _sha256(members: Sequence[Member]) -> str:
    lines = sorted("\t".join((one.case_id, one.group_id, one.image_digest, one.answer)) for one in members)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
