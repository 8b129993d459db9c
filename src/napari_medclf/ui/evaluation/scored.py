"""The cases of an evaluation with what the model said, from a run or from the files it wrote."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_medclf.domain.errors import ReadError
from napari_medclf.domain.events import Job, Progress

if TYPE_CHECKING:
    from napari_medclf.jobs.evaluate import Evaluation

_SCORE, _FACT = "score:", "fact:"


@dataclass(frozen=True)
class ScoredCase:
    """One case of an evaluation.

    Parameters
    ----------
    truth, decided : tuple of str
        Its classes, and those the model said; empty where classes are not what was measured.
    scores : dict
        Class to probability.
    numbers : dict
        What was measured of it, such as ``dice:anterior``; not-a-number where that is not defined.
    facts : dict
        What else is known of it, such as its site.
    """

    case_id: str
    group_id: str = ""
    truth: tuple[str, ...] = ()
    decided: tuple[str, ...] = ()
    scores: Mapping[str, float] = field(default_factory=dict)
    numbers: Mapping[str, float] = field(default_factory=dict)
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Results:
    """What an evaluation wrote: the document of ``metrics.json``, and its cases.

    Parameters
    ----------
    folder : Path
        Where ``report.html`` is.
    """

    document: Mapping[str, Any]
    cases: tuple[ScoredCase, ...]
    folder: Path

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes that were scored, in the model's order; empty where labels were measured."""
        return tuple(self.cases[0].scores) if self.cases else ()

    @property
    def is_exclusive(self) -> bool:
        """Whether every case has exactly one class."""
        return all(len(case.truth) == 1 for case in self.cases)


def results_of(evaluation: Evaluation) -> Results:
    """Take over an evaluation that was just made."""
    from napari_medclf.jobs.json_text import json_text

    document = json.loads(json_text(evaluation.document))
    rows = [_as_text(row) for row in evaluation.measured.rows]
    return Results(document, tuple(read_rows(rows)), evaluation.path.parent)


def read_results(folder: Path) -> Job[Results]:
    """Read the folder that `evaluate` wrote.

    Raises
    ------
    ReadError
        If ``metrics.json`` or ``cases.csv`` is missing or no such file.
    """
    yield Progress(0, 0, f"reading {folder.name}")
    try:
        document = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
        with (folder / "cases.csv").open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, ValueError) as error:
        raise ReadError(folder, "is no folder that `evaluate` wrote: metrics.json and cases.csv are wanted") from error
    if not isinstance(document, dict) or any("case_id" not in row for row in rows):
        raise ReadError(folder, "is no folder that `evaluate` wrote: metrics.json or cases.csv is something else")
    return Results(document, tuple(read_rows(rows)), folder)


def read_rows(rows: Iterable[Mapping[str, str]]) -> Iterable[ScoredCase]:
    """Turn rows of ``cases.csv`` into cases."""
    for row in rows:
        scores = {name.removeprefix(_SCORE): _number(text) for name, text in row.items() if name.startswith(_SCORE)}
        facts = {name.removeprefix(_FACT): text for name, text in row.items() if name.startswith(_FACT)}
        rest = {name: text for name, text in row.items() if not name.startswith((_SCORE, _FACT)) and name not in _NAMES}
        yield ScoredCase(
            case_id=row["case_id"],
            group_id=row.get("group_id") or "",
            truth=split_names(row.get("truth") or "", tuple(scores)),
            decided=split_names(row.get("decided") or "", tuple(scores)),
            scores=scores,
            numbers={name: number for name, text in rest.items() if (number := _number(text, None)) is not None},
            facts=facts,
        )


_NAMES = ("case_id", "group_id", "truth", "decided")


def split_names(text: str, names: Sequence[str]) -> tuple[str, ...]:
    """Take class names apart that were joined by spaces; names may hold spaces themselves.

    >>> split_names("left lung heart", ("heart", "lung", "left lung"))
    ('left lung', 'heart')
    """
    found: list[str] = []
    rest = text.strip()
    while rest:
        fitting = [name for name in names if rest == name or rest.startswith(f"{name} ")]
        taken = max(fitting, key=len) if fitting else rest.split(" ", 1)[0]
        found.append(taken)
        rest = rest[len(taken) :].strip()
    return tuple(found)


def _as_text(row: Mapping[str, Any]) -> dict[str, str]:
    return {name: "" if value is None else str(value) for name, value in row.items()}


def _number(text: str | None, other: float | None = float("nan")) -> Any:
    if text == "":
        return float("nan")
    try:
        return float(text or "")
    except ValueError:
        return other
