"""How long the window stands still while it shows a run of ten thousand cases that goes on.

xvfb-run python benchmarks/batch_window.py [--cases 10000]

A ledger of made-up cases is opened on the Triage page while it is written to. For each thing a person does, the longest
time between two turns of the event loop is told by the clock, and as what the window's own thread worked in it: the
clock also counts what other programs on the computer take. The target is 100 ms.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from napari_medclf.domain.annotation import Status
from napari_medclf.domain.run import CaseRecord, CaseStatus, RunSpec
from napari_medclf.store.catalogue import Catalogue
from napari_medclf.store.runs.leader import LedgerLeader
from napari_medclf.store.runs.row import LedgerRun

MODEL = "chest-xray-pneumonia"
N_TRAITS = 30
RNG = np.random.default_rng(0)


@dataclass
class Turns:
    """Times between turns of the event loop."""

    wall_s: list[float] = field(default_factory=list)
    worked_s: list[float] = field(default_factory=list)
    last: tuple[float, float] = (0.0, 0.0)

    def begin(self) -> None:
        """Forget what was before."""
        self.wall_s, self.worked_s = [], []
        self.last = time.perf_counter(), time.thread_time()

    def tick(self) -> None:
        """Note a turn."""
        now = time.perf_counter(), time.thread_time()
        self.wall_s.append(now[0] - self.last[0])
        self.worked_s.append(now[1] - self.last[1])
        self.last = now

    def tell(self, what: str) -> None:
        """Print the longest."""
        print(f"{what:34}{1000 * max(self.wall_s):8.0f} ms by the clock{1000 * max(self.worked_s):8.0f} ms of work")


def main() -> None:
    """Open the run, let it go on, and do what a person does."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--cases", type=int, default=10_000)
    n_cases = parser.parse_args().cases
    with tempfile.TemporaryDirectory() as name:
        leader = begin_run(Path(name) / "results", n_cases)
        show(leader, n_cases)
        leader.close()


def begin_run(out: Path, n_cases: int) -> LedgerLeader:
    """Write a ledger whose run is at four fifths."""
    card = next(one.card for one in Catalogue().packages() if one.name == MODEL)
    leader = LedgerLeader(out)
    spec = RunSpec(command="batch", options={"model": card.name})
    leader.write_run(
        LedgerRun(spec=spec, model=card.name, model_version=card.version, card=card.model_dump(mode="json"))
    )
    leader.plan(case(number, CaseStatus.PENDING) for number in range(n_cases))
    for number in range(4 * n_cases // 5):
        leader.enter(case(number, CaseStatus.DONE))
    leader.flush()
    return leader


def case(number: int, status: CaseStatus) -> CaseRecord:
    """Make a case up."""
    score = float(RNG.random())
    top = "pneumonia" if score > 0.5 else "normal"
    told: dict[str, Any] = {
        "values": {"top_class": top, "score:normal": 1 - score, "score:pneumonia": score, "decided": top},
        "doubts": {"entropy": score},
        "traits": {f"look:{n}": float(RNG.normal()) for n in range(N_TRAITS)},
    }
    name = f"study-{number // 10}_series_{number:05d}"
    done = told if status is CaseStatus.DONE else {}
    return CaseRecord(case_id=name, source=f"/nowhere/{name}.png", status=status, **done)


def enter_some(leader: LedgerLeader) -> None:
    """Let a hundred cases end."""
    for number in range(100):
        leader.enter(case(number, CaseStatus.DONE))


def show(leader: LedgerLeader, n_cases: int) -> None:
    """Open the Triage page, and tell how long each step takes."""
    import napari
    from qtpy.QtCore import QTimer

    from napari_medclf.ui import workbench as module

    setattr(module, "warm_up", lambda: None)  # noqa: B010  (its imports would be measured, too)
    viewer = napari.Viewer()
    viewer.window.resize(1400, 900)
    _, workbench = viewer.window.add_plugin_dock_widget("napari-medclf", "Workbench")
    workbench.show_tab("Batch")
    workbench.batch.show_triage()
    page, turns, timer = workbench.batch.triage, Turns(), QTimer()
    timer.setInterval(5)
    timer.timeout.connect(turns.tick)
    timer.start()
    live(3.0)

    def step(what: str, act: Callable[[], object], seconds: float = 2.0) -> None:
        turns.begin()
        act()
        live(seconds)
        turns.tell(what)

    step("open a run", lambda: page.open_run(leader.folder), 15.0)
    step("it goes on", lambda: enter_some(leader), 15.0)
    step("filter by a word", lambda: page.choice.words.setText("study-77"))
    step("show all again", lambda: page.choice.words.setText(""))
    step("sort by the answer", lambda: page.table.horizontalHeader().sectionClicked.emit(1))
    step("scroll to the end", page.table.scrollToBottom)
    first = page.table.lines.rows[0].record.case_id
    step("say of a case", lambda: page.opener.changed.emit({first: Status.DONE}))
    assert len(page.table.lines.rows) == n_cases
    viewer.close()


def live(seconds: float) -> None:
    """Let the window live for a while."""
    from qtpy.QtWidgets import QApplication

    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        QApplication.processEvents()
        time.sleep(0.001)


if __name__ == "__main__":
    main()
