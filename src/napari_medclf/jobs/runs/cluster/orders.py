"""What goes to a worker and what comes back; no text form of it names a file, for it may get into a worker's log."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from napari_medclf.domain.run import CaseRecord

if TYPE_CHECKING:
    from napari_medclf.jobs.runs.case import RunCase, RunPlan
    from napari_medclf.jobs.runs.cluster.manifest import Manifest


@dataclass(frozen=True, repr=False, eq=False)
class Order:
    """What a worker must know of a run before it gets cases.

    Parameters
    ----------
    run_id : str
        Names the run among others on the same workers.
    plan : RunPlan
        Its package lies where the leader has it; a worker finds its own by the manifest.
    manifest : Manifest or None
        None for workers on the leader's computer, who take the model where it lies.
    versions : dict
        Of this program and what answers depend on, where the leader runs.
    token : str
        Content of the file `probe` in the run's folder: who reads it there sees the same folder.
    samples : tuple of Path
        A few images of the run, which a worker must see.
    """

    run_id: str
    plan: RunPlan
    manifest: Manifest | None
    versions: dict[str, str]
    token: str
    samples: tuple[Path, ...] = ()

    @property
    def probe(self) -> Path:
        """The leader's file in the run's folder."""
        return self.plan.out / f".probe-{self.run_id}"

    def answer_to_probe(self, worker: str) -> Path:
        """The file that a worker writes beside the leader's."""
        return self.plan.out / f".probe-{self.run_id}-{hashlib.sha256(worker.encode()).hexdigest()[:12]}"

    def sweep_probes(self) -> None:
        """Remove the probes of all who led the run, and the answers of workers that died before they were heard."""
        with suppress(OSError):
            for path in list(self.plan.out.glob(".probe-*")):
                path.unlink()

    def __repr__(self) -> str:
        return f"<order of run {self.run_id}>"


@dataclass(frozen=True)
class Greeting:
    """What a worker said to an order.

    Parameters
    ----------
    problem : str
        Why it cannot take part, as a sentence; empty if it can.
    lacks_model : bool
        The model must be sent to it first; nothing else was wrong so far.
    differing : dict
        Package to version, where the worker's is another one.
    """

    problem: str = ""
    lacks_model: bool = False
    host: str = ""
    differing: dict[str, str] = field(default_factory=dict)

    @property
    def is_ready(self) -> bool:
        """Whether the worker can be given cases."""
        return not self.problem and not self.lacks_model


@dataclass(frozen=True, repr=False, eq=False)
class Task:
    """One case for whoever has a hand free; `number` is its place among the cases of the run."""

    run_id: str
    number: int
    case: RunCase

    def __repr__(self) -> str:
        return f"<case {self.number} of run {self.run_id}>"


@dataclass(frozen=True, repr=False, eq=False)
class Ended:
    """How a task ended.

    Parameters
    ----------
    record : CaseRecord or None
        None where the case must be given out again.
    is_unknown_run : bool
        The worker was never told of this run, or has forgotten it.
    lost : str
        Why no result at all can be written any more.
    """

    record: CaseRecord | None = None
    is_unknown_run: bool = False
    lost: str = ""

    def __repr__(self) -> str:
        return f"<ended: {self.record.status if self.record else 'no record'}>"


def topic(run_id: str) -> str:
    """Where workers tell which case they begin."""
    return f"medclf-{run_id}"
