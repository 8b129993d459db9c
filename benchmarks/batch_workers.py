"""Cases a second of one worker, of two, and of the pipeline of one process, on pictures whose decoding is the work.

python benchmarks/batch_workers.py [--n 40] [--rounds 3] [--core-each]

The pictures are JPEG 2000 X-rays as in `classify_xrays.py`, read whole; the network is its DenseNet-121. All workers
are processes of one thread, started once; the three ways take turns. A run is timed from the moment that each of its
workers has finished a case, so that starting and loading the model are left out. Printed are medians of cases a
second, of processor seconds a case (of the workers and the process that leads), and the ratios of each round. A worker
reads the next image while its network computes and so keeps more than one core busy; with `--core-each` every worker
has a core of its own, as on computers of their own (Linux).
"""

from __future__ import annotations

import argparse
import logging
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import psutil  # type: ignore[import-untyped]  # its stubs are a package of their own
from distributed import LocalCluster
from made_images import write_films
from made_models import make_densenet

from napari_medclf.domain.events import CaseDone, CaseFailed, JobEvent
from napari_medclf.jobs.batch.batch import batch
from napari_medclf.jobs.batch.options import BatchOptions
from napari_medclf.jobs.drive import drive


@dataclass
class Clock:
    """Times a run from the moment that all of its workers are at work."""

    n_workers: int
    pids: list[int]
    seen: set[str] = field(default_factory=set)
    n_before: int = 0
    n_done: int = 0
    began: tuple[float, float] | None = None
    ended: tuple[float, float] = (0.0, 0.0)

    def __call__(self, event: JobEvent) -> None:
        """Look at the clocks at every finished case."""
        assert not isinstance(event, CaseFailed), event
        if not isinstance(event, CaseDone):
            return
        self.n_done += 1
        self.seen.add(event.result.worker)
        self.ended = (time.perf_counter(), self.processor_s())
        if self.began is None and len(self.seen) == self.n_workers:
            self.began, self.n_before = self.ended, self.n_done

    def processor_s(self) -> float:
        """Seconds that all processes of the run took so far."""
        times = [psutil.Process(pid).cpu_times() for pid in (os.getpid(), *self.pids)]
        return float(sum(one.user + one.system for one in times))

    def result(self) -> tuple[float, float]:
        """Cases a second, and processor seconds a case."""
        assert self.began is not None
        n_cases = self.n_done - self.n_before
        wall_s, processor_s = (after - before for before, after in zip(self.began, self.ended, strict=True))
        return n_cases / wall_s, processor_s / n_cases


@contextmanager
def workers(n_workers: int) -> Iterator[Any]:
    """Start workers of one thread, as a scheduler elsewhere would have them."""
    with LocalCluster(  # type: ignore[no-untyped-call]
        n_workers=n_workers,
        threads_per_worker=1,
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",
        memory_limit=None,
        silence_logs=logging.CRITICAL,
    ) as cluster:
        yield cluster


def main() -> None:
    """Print a line a way."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=40, help="pictures a run")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--core-each", action="store_true", help="bind each worker to a core of its own")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary, workers(1) as one, workers(2) as two:
        scratch = Path(temporary)
        os.environ["MEDCLF_HOME"] = str(scratch / "home")
        model = make_densenet(scratch / "densenet-bench")
        folder = write_films(scratch / "j2k", options.n, "j2k")
        ways = {"one worker": one, "two workers": two, "pipeline of one process": None}
        found: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
        if options.core_each:
            for cluster in (one, two):
                give_cores(cluster)
        for number in range(options.rounds):
            for name, cluster in ways.items():
                found[name].append(timed(model, folder, scratch / f"{name} {number}", cluster))
                print(f"round {number + 1}, {name}: {found[name][-1][0]:.2f} cases/s", flush=True)
        show(found, options.n)


def give_cores(cluster: Any) -> None:
    """Bind every thread of each worker to one core."""
    for core, nanny in enumerate(cluster.workers.values()):
        for task in Path(f"/proc/{nanny.pid}/task").iterdir():
            os.sched_setaffinity(int(task.name), {core})


def timed(model: Path, folder: Path, out: Path, cluster: Any) -> tuple[float, float]:
    """Run the folder once."""
    pids = [nanny.pid for nanny in cluster.workers.values()] if cluster else []
    clock = Clock(max(len(pids), 1), pids)
    scheduler = cluster.scheduler_address if cluster else ""
    options = BatchOptions(model=str(model), folder=folder, out=out, device="cpu", runtime="torch", scheduler=scheduler)
    outcome = drive(batch(options), clock)
    assert outcome.result is not None, outcome.message
    return clock.result()


def show(found: dict[str, list[tuple[float, float]]], n: int) -> None:
    """Print medians, and the ratios to one worker."""
    print(f"\n{n} JPEG 2000 X-rays of 2560 x 2048 read whole, DenseNet-121, one thread a worker")
    for name, runs in found.items():
        rate, processor_s = (statistics.median(column) for column in zip(*runs, strict=True))
        ratios = [run[0] / other[0] for run, other in zip(runs, found["one worker"], strict=True)]
        each = ", ".join(f"{ratio:.2f}" for ratio in ratios)
        print(
            f"  {name:24} {rate:5.2f} cases/s, {processor_s:5.2f} processor s a case, "
            f"{statistics.median(ratios):4.2f} of one worker ({each})"
        )


if __name__ == "__main__":
    main()
