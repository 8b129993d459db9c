"""What those who run the cases of a run must know of the one who keeps its book."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from napari_medclf.domain.events import Job, JobEvent
from napari_medclf.domain.run import CaseRecord

if TYPE_CHECKING:
    from napari_medclf.domain.backend import Predictor
    from napari_medclf.jobs.runs.case import RunCase, RunPlan


class Book(Protocol):
    """Where every case is written down; only the process that leads a run has one, and uses it on one thread."""

    def begin(self, case: RunCase) -> None:
        """Write down that somebody works on a case.

        Raises
        ------
        WriteError
            If it cannot be written; the run must end.
        """

    def enter(self, record: CaseRecord) -> JobEvent:
        """Write down how a case ended, its outputs being on disk, and give what to tell about it.

        Raises
        ------
        WriteError
            If it cannot be written; the run must end.
        """


class Executor(Protocol):
    """A way to run cases: in one process, or on many machines.

    Every case is begun once and entered once, in any order, unless the run is stopped or an error ends it.
    """

    def __call__(self, plan: RunPlan, loaded: Predictor | None, cases: Sequence[RunCase], book: Book) -> Job[None]:
        """Run cases; what is wrong with one of them is written down, and the others go on.

        Parameters
        ----------
        loaded : Predictor or None
            The model, for those who compute in this process; None for those who load it elsewhere.

        Raises
        ------
        MedclfError
            If no case can go on: the results cannot be written, or nobody is left to do the work.
        """
