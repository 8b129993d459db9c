"""The rows of the case list below an evaluation's views."""

from __future__ import annotations

import math
from collections.abc import Sequence

from napari_medclf.ui.cases.lines import CaseLine, CaseList
from napari_medclf.ui.evaluation.scored import ScoredCase

_LESS_IS_BETTER = ("hd95", "assd", "volume_error", "absolute_error")
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
    """Sort cases: the surest errors first, or those whose labels are worst."""
    return tuple(sorted(cases, key=_quality))


def _quality(case: ScoredCase) -> float:
    if case.scores:
        said = max(case.scores.values(), default=0.0)
        return 1 + said if set(case.truth) == set(case.decided) else -said
    numbers = [
        number
        for name, number in case.numbers.items()
        if not math.isnan(number) and not name.startswith(_LESS_IS_BETTER)
    ]
    return sum(numbers) / len(numbers) if numbers else math.inf


def _score(case: ScoredCase, one_class: str) -> float:
    return case.scores[one_class] if one_class else max(case.scores.values(), default=math.nan)


def _joined(names: Sequence[str]) -> str:
    return ", ".join(names) or "none"
