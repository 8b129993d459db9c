"""The order in which a person looks at the cases of a project."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from napari_medclf.domain.annotation import CaseState
from napari_medclf.domain.errors import ReadError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_medclf.store.project import PredictionEntry, ProjectCase, SavedPrediction


class Order(StrEnum):
    """What comes first."""

    FOLDER = "folder"
    """As the images lie: by path, numbers in their order."""
    UNCERTAINTY = "uncertainty"
    """What the model is least sure of."""
    DIVERSITY = "diversity"
    """What is least like all that is done (a core-set)."""
    GAIN = "gain"
    """What is expected to take away most of the doubt about all open cases: unsure, and like many others."""
    RANDOM = "random"


MEASURES = ("any", "entropy", "disagreement", "tta")
_OPEN = (CaseState.TO_DO, CaseState.PREDICTED)


@dataclass(frozen=True)
class Ordered:
    """A case in its turn.

    Parameters
    ----------
    is_open : bool
        Whether it waits for a person; what is done comes after what is open.
    doubt : float or None
        How unsure the model is, from 0 to 1; None where it was not asked.
    gain : float or None
        Only for that order: the doubt that an answer is expected to take away, in sure cases.
    """

    case: ProjectCase
    is_open: bool
    doubt: float | None = None
    gain: float | None = None


@dataclass(frozen=True)
class InOrder:
    """The cases, and sentences about what could not be told."""

    cases: tuple[Ordered, ...]
    notes: tuple[str, ...] = ()


def order_cases(
    cases: Sequence[ProjectCase],
    order: Order,
    *,
    measure: str = "any",
    seed: int = 0,
    unsure: frozenset[str] = frozenset(),
) -> InOrder:
    """Put cases in their order; open ones first, then those that are done.

    Parameters
    ----------
    cases : sequence of ProjectCase
        All of the project: those that are done tell what is known already.
    measure : str
        Which kind of uncertainty counts, of `MEASURES`; ``any`` takes the largest that was measured.
    seed : int
        For a random order; the same seed gives the same order.
    unsure : frozenset of str
        Cases about which a person was not sure: they wait for a person, too.
    """
    plain = sorted(cases, key=lambda case: _natural(str(case.image)))
    is_open = np.array([case.state in _OPEN or is_unsure(case, unsure) for case in plain], dtype=bool)
    rated = _ratings(plain)
    doubts = [None if one is None else doubt_of(one, measure) for one in rated]
    picked, gains, notes = _pick(order, is_open, doubts, rated, seed)
    seen = set(picked)
    rest = [int(number) for number in np.flatnonzero(is_open) if number not in seen]
    turns = [*picked, *rest, *map(int, np.flatnonzero(~is_open))]
    found = tuple(Ordered(plain[n], bool(is_open[n]), doubts[n], gains.get(n)) for n in turns)
    return InOrder(found, notes)


def is_unsure(case: ProjectCase, unsure: frozenset[str] = frozenset()) -> bool:
    """Tell whether a person answered and was not sure; a locked case is closed all the same."""
    if case.is_locked:
        return False
    return case.case_id in unsure or (case.newest is not None and case.newest.annotation.is_unsure)


def doubt_of(prediction: SavedPrediction, measure: str = "any") -> float | None:
    """How unsure a model was, by one measure or the largest of all."""
    measured = prediction.entry.uncertainty
    if measure != "any":
        return measured.get(measure)
    return max(measured.values(), default=None)


def _pick(
    order: Order,
    is_open: NDArray[np.bool_],
    doubts: Sequence[float | None],
    rated: Sequence[SavedPrediction | None],
    seed: int,
) -> tuple[list[int], Mapping[int, float], tuple[str, ...]]:
    """Indices of the open cases that the order knows something about, their gain, and notes."""
    everything = [int(number) for number in np.flatnonzero(is_open)]
    if order is Order.FOLDER:
        return everything, {}, ()
    if order is Order.RANDOM:
        return [int(n) for n in np.random.default_rng(seed).permutation(everything)], {}, ()
    is_known = np.array([one is not None for one in doubts], dtype=bool)
    if order is Order.UNCERTAINTY:
        from napari_medclf.engine.active.order import most_unsure

        values = np.array([0.0 if one is None else one for one in doubts])
        return most_unsure(values, is_open & is_known).tolist(), {}, _note(is_open & ~is_known)
    return _by_embedding(order, is_open, doubts, rated)


def _by_embedding(
    order: Order,
    is_open: NDArray[np.bool_],
    doubts: Sequence[float | None],
    rated: Sequence[SavedPrediction | None],
) -> tuple[list[int], Mapping[int, float], tuple[str, ...]]:
    from napari_medclf.engine.active.order import core_set, expected_gain

    rows = {number: row for number, one in enumerate(rated) if (row := _embedding(one)) is not None}
    if order is Order.GAIN:
        rows = {number: row for number, row in rows.items() if doubts[number] is not None or not is_open[number]}
    known = np.array(sorted(rows), dtype=np.intp)
    unknown = np.array([is_open[number] and number not in rows for number in range(len(rated))], dtype=bool)
    if not is_open[known].any():
        return [], {}, _note(unknown)
    table = np.stack([rows[int(number)] for number in known])
    if order is Order.DIVERSITY:
        return [int(n) for n in known[core_set(table, is_open[known])]], {}, _note(unknown)
    values = np.array([doubts[int(number)] or 0.0 for number in known])
    turns, gain = expected_gain(table, values, is_open[known])
    picked = [int(n) for n in known[turns]]
    return picked, dict(zip(picked, gain.tolist(), strict=True)), _note(unknown)


def newest_model(cases: Sequence[ProjectCase]) -> str:
    """Name the model that was asked last; empty where none was."""
    newest = _newest(cases)
    return "" if newest is None else newest.model


def _ratings(cases: Sequence[ProjectCase]) -> list[SavedPrediction | None]:
    """What the model that was asked last said about each case: numbers of two models do not compare."""
    newest = _newest(cases)
    if newest is None:
        return [None] * len(cases)
    key = (newest.model, newest.weights_sha256)
    return [
        next((one for one in reversed(case.predictions) if (one.entry.model, one.entry.weights_sha256) == key), None)
        for case in cases
    ]


def _newest(cases: Sequence[ProjectCase]) -> PredictionEntry | None:
    entries = (one.entry for case in cases for one in case.predictions if one.entry.uncertainty)
    return max(entries, key=lambda entry: entry.created, default=None)


def _embedding(prediction: SavedPrediction | None) -> NDArray[np.float32] | None:
    """Read a case's embedding.

    Raises
    ------
    ReadError
        If its file is damaged or gone.
    """
    if prediction is None or prediction.embedding is None:
        return None
    path = prediction.embedding.path
    try:
        return np.asarray(np.load(path, allow_pickle=False), dtype=np.float32)
    except (OSError, ValueError) as error:
        raise ReadError(path, "the embedding cannot be read", "Rate the cases again.") from error


def _note(is_unknown: NDArray[np.bool_]) -> tuple[str, ...]:
    n_unknown = int(is_unknown.sum())
    if not n_unknown:
        return ()
    subject = "1 open case was" if n_unknown == 1 else f"{n_unknown} open cases were"
    return (f"{subject} not rated by the model yet and come last, as they lie in the folder. Rate them with a model.",)


def _natural(text: str) -> list[tuple[int, int | str]]:
    """Sort key in which 2 comes before 10."""
    return [(0, int(part)) if part.isdigit() else (1, part.lower()) for part in re.split(r"(\d+)", text) if part]
