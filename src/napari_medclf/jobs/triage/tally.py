"""What the page of a run tells of all its cases, counted in one pass over their records."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from napari_medclf.domain.run import CaseRecord, CaseStatus

_CHARTED = ("score:", "volume_", "area_", "n_objects:", "n_boxes:", "value:")
_MOST_CHARTS = 12


@dataclass
class Reason:
    """Why some cases have no answer.

    Parameters
    ----------
    example : str
        The first of them.
    """

    status: CaseStatus
    reason: str
    example: str
    n_cases: int = 0


@dataclass
class Tally:
    """How a run went; it takes little memory, however many cases there are.

    Parameters
    ----------
    counts : Counter
        Cases by status.
    charted : dict
        The numbers of columns of the results that are drawn, by name; of the first dozen.
    n_uncharted : int
        Further columns that could be drawn.
    said : dict
        What the model said in a word, of the cases that were asked for.
    """

    counts: Counter[CaseStatus] = field(default_factory=Counter)
    charted: dict[str, array[float]] = field(default_factory=dict)
    said: dict[str, str] = field(default_factory=dict)
    _reasons: dict[tuple[CaseStatus, str], Reason] = field(default_factory=dict)
    _uncharted: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, cases: Iterable[CaseRecord], shown: Collection[str] = ()) -> Tally:
        """Count the cases of a run.

        Parameters
        ----------
        shown : collection of str
            Ids of the cases whose answers are wanted in a word.
        """
        tally, wanted = cls(), frozenset(shown)
        for case in cases:
            tally.counts[case.status] += 1
            if case.status is CaseStatus.DONE:
                tally._add_answer(case)
            else:
                tally._add_reason(case)
            if case.case_id in wanted:
                tally.said[case.case_id] = str(case.values.get("decided") or case.values.get("top_class") or "")
        return tally

    @property
    def n_cases(self) -> int:
        """How many cases there are."""
        return self.counts.total()

    @property
    def n_uncharted(self) -> int:
        """How many further columns could be drawn."""
        return len(self._uncharted)

    @property
    def reasons(self) -> list[Reason]:
        """Why cases have no answer: failures first, and of each kind the commonest reason."""
        return sorted(self._reasons.values(), key=lambda one: (one.status is not CaseStatus.FAILED, -one.n_cases))

    def _add_answer(self, case: CaseRecord) -> None:
        for name, value in case.values.items():
            if not name.startswith(_CHARTED):
                continue
            if name not in self.charted and len(self.charted) >= _MOST_CHARTS:
                self._uncharted.add(name)
            elif isinstance(value, int | float):
                self.charted.setdefault(name, array("d")).append(value)

    def _add_reason(self, case: CaseRecord) -> None:
        key = (case.status, case.reason or "not run yet")
        self._reasons.setdefault(key, Reason(*key, case.case_id)).n_cases += 1
