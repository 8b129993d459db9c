"""The protocol of all that was done in a project: painting, answers, marks and revisions, in the order of time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from napari_medclf.domain.events import Job, Progress
from napari_medclf.domain.options import check_options, option
from napari_medclf.store.audit import AuditLog
from napari_medclf.store.project import Project
from napari_medclf.store.strokes.history import StrokeHistory, painted_images
from napari_medclf.store.strokes.moment import JournalledStroke

_PAUSE_NS = 30 * 10**9
"""Strokes further apart than this are two spells of painting."""


@dataclass(frozen=True)
class SessionOptions:
    """Whose protocol."""

    project: Path = option(help="folder of the project", positional=True)

    def __post_init__(self) -> None:
        check_options(self)


@dataclass(frozen=True)
class Deed:
    """One line of the protocol.

    Parameters
    ----------
    at : str
        UTC, ISO 8601; when it was done, or begun.
    what : str
        ``painting``, or the kind of entry as in the audit trail.
    n_strokes, n_vox : int
        Of painting: strokes, and voxels that they changed, counted as often as they were.
    active_s : float
        Of painting: from the first to the last stroke of the spell.
    """

    at: str
    who: str
    what: str
    about: str
    n_strokes: int = 0
    n_vox: int = 0
    active_s: float = 0.0


def session(options: SessionOptions) -> Job[tuple[Deed, ...]]:
    """Tell all that was done in a project, oldest first.

    Raises
    ------
    DatasetError
        If it is no project, or was written by a newer version.
    """
    project = Project.open(options.project)
    yield Progress(0, 0, f"reading {options.project}")
    deeds = [Deed(one.at, one.who, one.what, one.about) for one in AuditLog(project.folder).entries()]
    names = {case.image_digest[:16]: case.case_id for case in project.cases()}
    for start, layer in painted_images(project.folder):
        yield Progress(0, 0, f"reading strokes on {names.get(start, start)}")
        deeds += _spells(StrokeHistory(project.folder, start, layer), names.get(start, start))
    return tuple(sorted(deeds, key=lambda one: one.at))


def _spells(history: StrokeHistory, about: str) -> Iterator[Deed]:
    """Gather strokes of one person without a long pause."""
    strokes = sorted(history.strokes(), key=lambda one: (one.writer_id, one.seq))
    spell, last = 0, None
    numbered: list[tuple[int, JournalledStroke]] = []
    for one in strokes:
        is_same = last is not None and last.writer_id == one.writer_id and last.stroke.author == one.stroke.author
        if last is None or not is_same or one.moment.t_ns - last.moment.t_ns > _PAUSE_NS:
            spell += 1
        numbered.append((spell, one))
        last = one
    for _, group in groupby(numbered, key=lambda one: one[0]):
        found = [one for _, one in group]
        yield Deed(
            at=found[0].moment.at,
            who=found[0].stroke.author,
            what="painting",
            about=about,
            n_strokes=len(found),
            n_vox=sum(len(one.stroke) for one in found),
            active_s=round((found[-1].moment.t_ns - found[0].moment.t_ns) / 1e9, 3),
        )
