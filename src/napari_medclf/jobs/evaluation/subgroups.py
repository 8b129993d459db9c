"""The same numbers for parts of the patients: a good average may hide a part that is served badly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from napari_medclf.domain.card import ModelCard
from napari_medclf.domain.events import Job, Progress

if TYPE_CHECKING:
    from napari_medclf.jobs.compare import Comparison

MOST_VALUES = 12
"""A fact with more values than this is no way to part patients, unless it is a number."""
_N_RANGES = 4
UNKNOWN = "not known"


def subgroups_of(
    comparisons: Sequence[Comparison], card: ModelCard, *, is_exclusive: bool
) -> Job[tuple[dict[str, Any], dict[str, str]]]:
    """Measure every value of every fact apart; numbers such as ages are cut into quarters of the cases.

    Returns
    -------
    subgroups : dict
        Fact to value to ``n_cases``, ``n_groups``, ``metrics`` and ``undefined``.
    reasons : dict
        Why a fact makes no subgroups.
    """
    from napari_medclf.jobs.evaluation.summary import summarise
    from napari_medclf.jobs.evaluation.undefined import reasons as why

    found: dict[str, Any] = {}
    reasons: dict[str, str] = {}
    for fact in dict.fromkeys(name for one in comparisons for name in one.facts):
        parts = part_by(fact, comparisons)
        if not 2 <= len(parts) <= MOST_VALUES + 1:
            reasons[f"subgroups/{fact}"] = f"it has {len(parts)} different values; from 2 to {MOST_VALUES} make groups"
            continue
        found[fact] = {}
        for value, members in parts.items():
            yield Progress(0, 0, f"{fact}: {value}")
            metrics = yield from summarise(members, card, is_exclusive=is_exclusive)
            found[fact][value] = {
                "n_cases": len(members),
                "n_groups": len({one.group_id for one in members}),
                "metrics": {name: one for name, one in metrics.items() if one.value == one.value},
                "undefined": why(metrics, members, card),
            }
    return found, reasons


class HasFacts(Protocol):
    """Something of which facts are known."""

    @property
    def facts(self) -> Mapping[str, str]:
        """Such as sex or site, by name."""


Known = TypeVar("Known", bound=HasFacts)


def part_by(fact: str, comparisons: Sequence[Known]) -> Mapping[str, list[Known]]:
    """Part cases by the value of a fact, in the order of the values; those without it come last."""
    values = [one.facts.get(fact, "").strip() for one in comparisons]
    known = [value for value in values if value]
    if len(set(known)) > MOST_VALUES and all(_is_number(value) for value in known):
        names = _ranges(known)
        values = [names.get(value, "") for value in values]
        order = list(dict.fromkeys(names[value] for value in sorted(known, key=float)))
    else:
        order = sorted(set(known), key=_place)
    parts: dict[str, list[Known]] = {value: [] for value in order}
    for one, value in zip(comparisons, values, strict=True):
        parts.setdefault(value or UNKNOWN, []).append(one)
    return parts


def _ranges(values: Sequence[str]) -> dict[str, str]:
    """Name the quarter of the cases in which each number lies."""
    ordered = sorted(values, key=float)
    names: dict[str, str] = {}
    for number in range(_N_RANGES):
        quarter = ordered[number * len(ordered) // _N_RANGES : (number + 1) * len(ordered) // _N_RANGES]
        fresh = [value for value in dict.fromkeys(quarter) if value not in names]  # equal numbers stay together
        names |= dict.fromkeys(fresh, f"{fresh[0]} to {fresh[-1]}" if fresh else "")
    return names


def _place(value: str) -> tuple[bool, float, str]:
    """Numbers by size, then words."""
    return (False, float(value), value) if _is_number(value) else (True, 0.0, value)


def _is_number(text: str) -> bool:
    try:
        return float(text) == float(text)
    except ValueError:
        return False
