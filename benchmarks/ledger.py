"""Measure what the ledger of a run costs a case of 60 ms: in the calls of the run, and in CPU seconds in all.

python benchmarks/ledger.py [--cases 500] [--case-ms 60] [--folder DIR]

Cases of a classifier with 14 scores, without files, as in a run over X-rays: begun and entered one after the other,
with a pause between the two instead of the network, so that flushes come as often as they do in a run. Also told: how
long it takes to plan, enter, read and resume 10,000 cases, and how large the ledger is then.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from napari_medclf.domain.events import FinishReason
from napari_medclf.domain.run import CaseRecord, CaseStatus, RunSpec
from napari_medclf.store.runs import Ledger, LedgerRun, RunLeader

MOST_OVERHEAD = 0.02
N_LARGE = 10_000
Result = TypeVar("Result")


def record(number: int, status: CaseStatus) -> CaseRecord:
    """One X-ray with its scores."""
    place = f"/data/hospital/2026/study-{number // 4:05d}/film-{number:06d}.dcm"
    if status is CaseStatus.PENDING:
        return CaseRecord(case_id=f"film-{number:06d}", source=place, status=status)
    scores: dict[str, object] = {f"score:finding-{one}": (number * 37 + one) % 1000 / 1000 for one in range(14)}
    return CaseRecord(
        case_id=f"film-{number:06d}",
        source=place,
        status=status,
        input_sha256=f"{number:064x}",
        answered_by="5e" * 32,
        elapsed_s=0.06,
        peak_bytes=2**30,
        values={"top_class": "finding-3", **scores},
        doubts={"entropy": 0.25},
        traits={"contrast": 0.5, "brightness": 0.25},
    )


def start(folder: Path, *, resume: bool = False) -> RunLeader:
    """Begin a run as a batch does."""
    run = LedgerRun(spec=RunSpec(command="batch", options={}), model="chest-xray", answered_by="5e" * 32)
    return RunLeader.start(folder, run, resume=resume)


def measure_case(folder: Path, n_cases: int, case_s: float) -> None:
    """Print the share of a case that the ledger takes."""
    leader = start(folder)
    leader.plan(record(number, CaseStatus.PENDING) for number in range(n_cases))
    calls_s, cpu_before_s = [], time.process_time()
    for number in range(n_cases):
        case = record(number, CaseStatus.DONE)
        began_s = time.perf_counter()
        leader.begin(case.case_id, case.source, case.input_sha256)
        begun_s = time.perf_counter() - began_s
        time.sleep(case_s)
        ended_s = time.perf_counter()
        leader.enter(case)
        calls_s.append(begun_s + time.perf_counter() - ended_s)
    cpu_s = (time.process_time() - cpu_before_s) / n_cases
    leader.close()
    slowest = sorted(calls_s)[int(0.99 * n_cases)]
    mean = statistics.mean(calls_s)
    print(f"{n_cases} cases of {1e3 * case_s:.0f} ms")
    print(f"  in the calls, mean {1e3 * mean:.3f} ms a case, 99 % below {1e3 * slowest:.3f} ms: {mean / case_s:.2%}")
    print(f"  CPU of the whole process {1e3 * cpu_s:.3f} ms a case: {cpu_s / case_s:.2%}")
    verdict = "kept" if max(mean, cpu_s) <= MOST_OVERHEAD * case_s else "MISSED"
    print(f"  at most {MOST_OVERHEAD:.0%} of a case: {verdict}")


def measure_large(folder: Path) -> None:
    """Print what a large run costs at its ends."""
    print(f"{N_LARGE} cases")
    leader = start(folder)
    timed("plan", lambda: leader.plan(record(number, CaseStatus.PENDING) for number in range(N_LARGE)))
    timed("enter all", lambda: enter_all(leader))
    timed("flush", leader.close)
    timed("read all rows", Ledger.open(folder).rows)
    newest = max(row.seq for row in Ledger.open(folder).rows())
    timed("ask for what is new", lambda: Ledger.open(folder).rows(since=newest - 10))
    again = timed("begin again", lambda: start(folder, resume=True))
    timed("results.csv and run.json", lambda: again.finish(FinishReason.COMPLETED))
    size = Ledger.open(folder).path.stat().st_size
    print(f"  {'ledger.sqlite':28} {size / 1e6:8.1f} MB")


def enter_all(leader: RunLeader) -> None:
    """End every case."""
    for number in range(N_LARGE):
        leader.enter(record(number, CaseStatus.DONE))


def timed(name: str, act: Callable[[], Result]) -> Result:
    """Print what something takes."""
    began_s, began_cpu_s = time.perf_counter(), time.process_time()
    result = act()
    print(f"  {name:28} {time.perf_counter() - began_s:8.3f} s, {time.process_time() - began_cpu_s:8.3f} CPU s")
    return result


def main() -> None:
    """Measure on the disk of a folder."""
    parser = argparse.ArgumentParser(description="cost of a run's ledger")
    parser.add_argument("--cases", type=int, default=500)
    parser.add_argument("--case-ms", type=float, default=60.0)
    parser.add_argument("--folder", type=Path, default=None, help="where to write; a temporary folder by default")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        measure_case(Path(folder) / "small", arguments.cases, arguments.case_ms / 1e3)
        measure_large(Path(folder) / "large")


if __name__ == "__main__":
    main()
