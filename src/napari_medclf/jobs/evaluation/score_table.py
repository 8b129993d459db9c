"""What a classifier said of many cases, beside the truth, as arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_medclf.domain.arrays import BoolArray, FloatArray
from napari_medclf.domain.card import ModelCard

if TYPE_CHECKING:
    from napari_medclf.jobs.compare import Comparison


@dataclass(frozen=True, eq=False)
class ScoreTable:
    """Cases by classes.

    Parameters
    ----------
    names : tuple of str
        The model's classes, in its order.
    truth, decided : (N, C) bool
    probabilities : (N, C) float64
    groups, case_ids : tuple of str
        Patient and name of each case.
    is_exclusive : bool
        Whether every case has exactly one class.
    """

    names: tuple[str, ...]
    truth: BoolArray
    probabilities: FloatArray
    decided: BoolArray
    groups: tuple[str, ...]
    case_ids: tuple[str, ...]
    is_exclusive: bool

    @property
    def n_groups(self) -> int:
        """How many patients there are."""
        return len(set(self.groups))

    @property
    def is_one_case_a_patient(self) -> bool:
        """Whether cases are independent."""
        return self.n_groups == len(self.groups)

    def part(self, chosen: NDArray[np.intp]) -> ScoreTable:
        """Take some of the cases."""
        groups, case_ids = (tuple(np.asarray(names)[chosen].tolist()) for names in (self.groups, self.case_ids))
        return replace(
            self,
            truth=self.truth[chosen],
            probabilities=self.probabilities[chosen],
            decided=self.decided[chosen],
            groups=groups,
            case_ids=case_ids,
        )


def score_table(comparisons: Sequence[Comparison], card: ModelCard, *, is_exclusive: bool) -> ScoreTable:
    """Lay out what was said of the cases; those without a classification are left out."""
    names = card.schema_.names
    said = [(one, one.classification) for one in comparisons if one.classification is not None]
    truth = [{card.schema_.named(name).name for name in one.classes} for one, _ in said]
    shape = (len(said), len(names))
    return ScoreTable(
        names=names,
        truth=np.array([[name in one for name in names] for one in truth], dtype=bool).reshape(shape),
        probabilities=np.array([[one.scores[name] for name in names] for _, one in said]).reshape(shape),
        decided=np.array([[name in one.decided for name in names] for _, one in said], dtype=bool).reshape(shape),
        groups=tuple(one.group_id for one, _ in said),
        case_ids=tuple(one.case_id for one, _ in said),
        is_exclusive=is_exclusive,
    )
