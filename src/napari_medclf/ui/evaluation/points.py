"""The points and cells of an evaluation's plots, each with the cases behind it; plain values, no Qt."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from napari_medclf.ui.evaluation.scored import ScoredCase

N_BINS = 10


@dataclass(frozen=True)
class Matrix:
    """Counts of cases by two names, each cell with its cases.

    Parameters
    ----------
    rows, columns : tuple of str
        What the data says, and what the model said.
    cells : tuple of tuple of tuple of ScoredCase
        By row, then by column.
    """

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    cells: tuple[tuple[tuple[ScoredCase, ...], ...], ...]

    def is_right(self, row: int, column: int) -> bool:
        """Whether the cases of a cell were decided rightly."""
        return self.columns[column] in {self.rows[row], FOUND, LEFT}


FOUND, MISSED, FALSE, LEFT = "found", "missed", "false alarm", "rightly not said"


def confusion(cases: Sequence[ScoredCase], classes: Sequence[str]) -> Matrix:
    """Count exclusive classes against what was said; a model that said nothing, or several, has a column for it."""
    said = [case.decided[0] if len(case.decided) == 1 else "unsure" for case in cases]
    columns = (*classes, *["unsure"] * ("unsure" in said))
    truth = [case.truth[0] for case in cases]
    return _matrix(classes, columns, zip(truth, said, cases, strict=True))


def hits_and_misses(cases: Sequence[ScoredCase], classes: Sequence[str]) -> Matrix:
    """Count, for classes that may come together, what was found, missed, and said wrongly of each class."""

    def kind(case: ScoredCase, name: str) -> str:
        if name in case.truth:
            return FOUND if name in case.decided else MISSED
        return FALSE if name in case.decided else LEFT

    columns = (FOUND, MISSED, FALSE, LEFT)
    return _matrix(classes, columns, ((name, kind(case, name), case) for name in classes for case in cases))


def _matrix(rows: Sequence[str], columns: tuple[str, ...], placed: Iterable[tuple[str, str, ScoredCase]]) -> Matrix:
    held: dict[tuple[str, str], list[ScoredCase]] = defaultdict(list)
    for row, column, case in placed:
        held[row, column].append(case)
    cells = tuple(tuple(tuple(held.get((row, column), ())) for column in columns) for row in rows)
    return Matrix(tuple(rows), columns, cells)


@dataclass(frozen=True)
class RocPoint:
    """One corner of a receiver operating characteristic.

    Parameters
    ----------
    threshold : float
        Cases with this score or more count as having the class.
    """

    threshold: float
    sensitivity: float
    specificity: float


def roc_points(cases: Sequence[ScoredCase], name: str) -> tuple[RocPoint, ...]:
    """Walk down the scores of a class; the first point calls nothing by its name, the last one everything.

    Returns
    -------
    tuple of RocPoint
        Empty where no case has the class, or all have it: the curve is not defined then.
    """
    scores = np.array([case.scores[name] for case in cases])
    truth = np.array([name in case.truth for case in cases], dtype=bool)
    n_with, n_without = int(truth.sum()), int((~truth).sum())
    if not n_with or not n_without:
        return ()
    order = np.argsort(-scores, kind="stable")
    ends = np.append(np.diff(scores[order]) != 0, True)
    found = np.cumsum(truth[order])[ends] / n_with
    false = np.cumsum(~truth[order])[ends] / n_without
    corners = zip(scores[order][ends].tolist(), found.tolist(), false.tolist(), strict=True)
    return (RocPoint(float("inf"), 0.0, 1.0), *(RocPoint(score, hit, 1 - alarm) for score, hit, alarm in corners))


def errors_at(cases: Sequence[ScoredCase], name: str, threshold: float) -> tuple[ScoredCase, ...]:
    """List the cases that a threshold decides wrongly, those nearest to it first."""
    wrong = [case for case in cases if (case.scores[name] >= threshold) != (name in case.truth)]
    place = min(threshold, 1.0)
    return tuple(sorted(wrong, key=lambda case: abs(case.scores[name] - place)))


@dataclass(frozen=True)
class Bin:
    """Cases of like probability: what was promised on average, and how often it was true."""

    promised: float
    observed: float
    cases: tuple[ScoredCase, ...]


def reliability(cases: Sequence[ScoredCase], name: str, n_bins: int = N_BINS) -> tuple[Bin, ...]:
    """Cut cases, sorted by the score of a class, into bins of equal mass (Nguyen & O'Connor 2015)."""
    ranked = sorted(cases, key=lambda case: case.scores[name])
    parts = [part for part in np.array_split(np.arange(len(ranked)), min(n_bins, len(ranked) or 1)) if part.size]
    bins = []
    for part in parts:
        held = tuple(ranked[place] for place in part)
        promised = float(np.mean([case.scores[name] for case in held]))
        observed = float(np.mean([name in case.truth for case in held]))
        bins.append(Bin(promised, observed, held))
    return tuple(bins)
