"""The rows of the case list below an evaluation's views."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from napari_medclf.ui.cases.lines import CaseLine, CaseList
from napari_medclf.ui.evaluation.scored import ScoredCase

_OVERLAPS = ("dice", "iou", "nsd", "ap50", "f1", "pq", "aji", "foreground_dice")
"""Numbers of a case that are 1 where all is right."""
_MOST_NUMBERS = 8


def list_of_cases(cases: Sequence[ScoredCase], one_class: str = "") -> CaseList:
    """Lay cases out: what the data says, what the model said and how surely; or what was measured of labels.

    Parameters
    ----------
    one_class : str
        The class whose score is listed; empty for the highest one.
    """
    if any(case.scores for case in cases):
        lines = tuple(
            CaseLine(case.case_id, (case.case_id, _joined(case.truth), _joined(case.decided), _score(case, one_class)))
            for case in cases
        )
        return CaseList(("case", "data", "model", f"score {one_class}".strip()), lines)
    names = list(dict.fromkeys(name for case in cases for name in case.numbers))[:_MOST_NUMBERS]
    lines = tuple(
        CaseLine(case.case_id, (case.case_id, *(case.numbers.get(name, math.nan) for name in names))) for case in cases
    )
    return CaseList(("case", *(name.replace("_", " ").replace(":", " ") for name in names)), lines)


def worst_first(cases: Sequence[ScoredCase]) -> tuple[ScoredCase, ...]:
    """Sort cases: the surest errors first, or those whose labels, numbers or boxes are furthest off."""
    return tuple(sorted(cases, key=_quality))


def _quality(case: ScoredCase) -> float:
    if case.scores:
        said = max(case.scores.values(), default=0.0)
        return 1 + said if set(case.truth) == set(case.decided) else -said
    overlaps = [
        number for name, number in case.numbers.items() if name.startswith(_OVERLAPS) and not math.isnan(number)
    ]
    if overlaps:
        return sum(overlaps) / len(overlaps)
    return -_n_errors(case.numbers)


def _n_errors(numbers: Mapping[str, float]) -> float:
    """Add up how far estimates are off, or how many boxes are missed and false."""
    errors = [abs(number) for name, number in numbers.items() if name.startswith(("error:", "false:"))]
    classes = [name.removeprefix("reference:") for name in numbers if name.startswith("reference:")]
    missed = [numbers[f"reference:{name}"] - numbers.get(f"found:{name}", 0.0) for name in classes]
    return sum(error for error in (*errors, *missed) if not math.isnan(error))


def _score(case: ScoredCase, one_class: str) -> float:
    return case.scores[one_class] if one_class else max(case.scores.values(), default=math.nan)


def _joined(names: Sequence[str]) -> str:
    return ", ".join(names) or "none"
