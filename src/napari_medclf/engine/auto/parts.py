"""What networks learn from and what they are judged by: every case by those that have not learned from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from napari_medclf.engine.auto.ways import kinds_of, split_into_folds
from napari_medclf.engine.train.cases import TrainCase

_MOST_PARTS, _FEWEST_PARTS = 5, 3
"""With fewer parts than three, networks would learn from half of the cases only."""


@dataclass(frozen=True, eq=False)
class Part:
    """Cases to learn from, and others that are held back to judge by."""

    learned: Sequence[TrainCase]
    held: Sequence[TrainCase]


def plan_parts(train: Sequence[TrainCase], val: Sequence[TrainCase], n_networks: int, seed: int) -> list[Part]:
    """Split training and validation cases into folds where the time is enough for a network each.

    Parameters
    ----------
    n_networks : int
        How many can be trained.

    Returns
    -------
    list of Part
        One, of the training and the validation cases as they are, where there are fewer than three networks, or too few
        cases or patients for that.
    """
    given = [Part(train, val)]
    n_parts = min(n_networks, _MOST_PARTS)
    cases = [*train, *val]
    if n_parts < _FEWEST_PARTS or len({case.group_id for case in cases}) < 2 * n_parts:
        return given
    parts = [Part(learned, held) for learned, held in split_into_folds(cases, n_parts, seed)]
    known = set(kinds_of(cases))
    return parts if all(set(kinds_of(part.learned)) == known and part.held for part in parts) else given


def judged_by(parts: Sequence[Part]) -> list[TrainCase]:
    """List the cases that are held back in any part, part by part."""
    return [case for part in parts for case in part.held]


def places_of(cases: Sequence[TrainCase], among: Sequence[TrainCase]) -> list[int]:
    """Find cases among others, by their names."""
    place = {case.case_id: number for number, case in enumerate(among)}
    return [place[case.case_id] for case in cases]


def is_whole(parts: Sequence[Part]) -> bool:
    """Whether every case is learned from by some network, so that none is new to all of them together."""
    return len(parts) > 1
