"""Tell how a run stands, from its ledger: also while it goes on, and of one that was killed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_medclf.domain.events import Job, Progress
from napari_medclf.domain.options import check_options, option
from napari_medclf.domain.run import CaseStatus

if TYPE_CHECKING:
    from napari_medclf.store.runs import LedgerRow, LedgerRun

_STATUSES = tuple(status.value for status in CaseStatus)


@dataclass(frozen=True, kw_only=True)
class ShowOptions:
    """Which run to tell of, and which of its cases."""

    out: Path = option(help="folder that the results of the run went to", positional=True)
    status: tuple[str, ...] = option((), help="only cases that stand there", choices=_STATUSES)
    limit: int | None = option(None, help="at most this many cases", minimum=0)

    def __post_init__(self) -> None:
        check_options(self)


@dataclass(frozen=True)
class RunState:
    """How a run stands.

    Parameters
    ----------
    is_led : bool
        Whether a process is at work on it now.
    counts : dict
        Number of cases by status, of all cases.
    rows : tuple of LedgerRow
        The cases that were asked for, in the order of the run.
    """

    out: Path
    run: LedgerRun
    is_led: bool
    counts: Mapping[CaseStatus, int]
    rows: tuple[LedgerRow, ...]

    @property
    def state(self) -> str:
        """Whether the run goes on, and if not, how it ended, as a sentence."""
        if self.is_led:
            return "The run goes on."
        if not self.run.finish_reason:
            return "The run was killed. Go on with it with --resume."
        return f"The run ended: {self.run.finish_reason}. {self.run.message}".strip()

    def as_document(self) -> dict[str, Any]:
        """The state for JSON."""
        return {
            "out": str(self.out),
            "state": self.state,
            "is_led": self.is_led,
            "counts": {status.value: n for status, n in self.counts.items()},
            "run": self.run.model_dump(mode="json"),
            "cases": [row.model_dump(mode="json") for row in self.rows],
        }


def show_run(options: ShowOptions) -> Job[RunState]:
    """Read the ledger of a run; nothing is written.

    Raises
    ------
    OptionError
        If the folder holds no run, or its ledger is damaged.
    """
    from napari_medclf.store.runs import Ledger

    ledger = Ledger.open(options.out)
    yield Progress(0, 0, "reading the ledger")
    rows = ledger.rows()
    chosen = [row for row in rows if not options.status or row.status in options.status]
    counts = Counter(row.status for row in rows)
    return RunState(options.out, ledger.run(), ledger.is_led(), counts, tuple(chosen[: options.limit]))
