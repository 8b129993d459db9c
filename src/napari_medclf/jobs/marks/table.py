"""All marks of a project as a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from napari_medclf.domain.events import Job, Progress
from napari_medclf.domain.mark import Mark
from napari_medclf.domain.options import option


@dataclass(frozen=True)
class MarksOptions:
    """Which marks, and where to."""

    project: Path = option(help="folder of the project", positional=True)
    case: str = option("", help="only of this case")
    csv: Path | None = option(None, help="also write them as CSV")
    history: bool = option(False, help="also marks that were replaced or withdrawn")


def list_marks(options: MarksOptions) -> Job[tuple[Mark, ...]]:
    """Collect the marks that hold, or all that were ever made, oldest first.

    Raises
    ------
    DatasetError
        If the folder is no project.
    """
    from napari_medclf.atomic import atomic_write
    from napari_medclf.jobs.tables import table_csv
    from napari_medclf.store.project import Project

    yield Progress(0, 0, "reading the project")
    project = Project.open(options.project)
    marks = project.mark_history(options.case) if options.history else project.marks(options.case)
    if options.csv is not None:
        atomic_write(options.csv, table_csv(rows_of(marks)))
    return marks


def rows_of(marks: Sequence[Mark]) -> list[dict[str, Any]]:
    """Return marks as rows of a table; classes of one mark stand in one cell, with spaces between."""
    return [
        {
            "case_id": mark.case_id,
            "scope": mark.scope.value,
            "axis": "" if mark.axis is None else mark.axis,
            "index": "" if mark.index is None else mark.index,
            "classes": " ".join(mark.classes),
            "unsure": int(mark.is_unsure),
            "withdrawn": int(mark.is_withdrawn),
            "comment": mark.comment,
            "author": mark.author,
            "created": mark.created,
        }
        for mark in marks
    ]
