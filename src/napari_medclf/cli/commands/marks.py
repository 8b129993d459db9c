"""`medclf marks`: say something about studies, images, slices and objects, list it, learn from it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from napari_medclf.cli.command import Command
from napari_medclf.cli.tables import columns
from napari_medclf.domain.mark import Mark
from napari_medclf.jobs.marks.add import MarkOptions, add_mark
from napari_medclf.jobs.marks.learnable import Learnable, LearnableOptions, make_learnable
from napari_medclf.jobs.marks.table import MarksOptions, list_marks, rows_of


def _line(mark: Mark) -> tuple[str, ...]:
    where = "" if mark.index is None else str(mark.index) if mark.axis is None else f"{'kji'[mark.axis]} = {mark.index}"
    what = "taken back" if mark.is_withdrawn else ", ".join(mark.classes) or "none of them"
    return mark.case_id, f"{mark.scope} {where}".strip(), what + " (unsure)" * mark.is_unsure, mark.author, mark.comment


def _show_one(mark: Mark) -> Iterator[str]:
    yield "  ".join(part for part in _line(mark) if part)


def _show_all(marks: tuple[Mark, ...]) -> Iterator[str]:
    if not marks:
        yield "Nothing was said yet."
    yield from columns([("case", "about", "classes", "author", "comment"), *map(_line, marks)] if marks else [])


def _show_learnable(made: Learnable) -> Iterator[str]:
    yield f"{made.folder}: {made.n_cases} images of the classes {', '.join(made.classes)}"
    if made.n_unsure or made.n_disputed:
        yield f"left out: {made.n_unsure} unsure, {made.n_disputed} where authors disagree"


def _made(made: Learnable) -> dict[str, Any]:
    return {
        "folder": str(made.folder),
        "n_cases": made.n_cases,
        "classes": list(made.classes),
        "n_unsure": made.n_unsure,
        "n_disputed": made.n_disputed,
    }


COMMANDS = {
    "add": Command(
        MarkOptions,
        add_mark,
        lambda mark: {"mark": mark.model_dump(mode="json")},
        _show_one,
        summary="say something about a study, image, slice or object",
    ),
    "list": Command(
        MarksOptions,
        list_marks,
        lambda marks: {"marks": rows_of(marks)},
        _show_all,
        summary="list what was said, or write it as CSV",
    ),
    "export": Command(
        LearnableOptions,
        make_learnable,
        _made,
        _show_learnable,
        summary="make a data set of it, to train a classifier on",
    ),
}
