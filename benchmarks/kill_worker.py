"""Kill workers of runs at random moments, and compare the results with those of an undisturbed run.

python benchmarks/kill_worker.py [--trials 30] [--images 12] [--data DIR] [--model hippocampus-mr]

Two workers are started once. Each trial is a run of its own on them; at a random moment of it, within the time that
the fastest run so far took, one of the workers gets SIGKILL (and is started again by its nanny). The run must come to
its end by itself, and everything it wrote must be that of the undisturbed run, as in `kill_batch.py`. Linux only.
"""

from __future__ import annotations

import argparse
import logging
import os
import random
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import dask
from distributed import LocalCluster
from kill_batch import DATA, collect, differences

from napari_medclf.domain.events import CaseDone, FinishReason, JobEvent
from napari_medclf.jobs.batch.batch import batch
from napari_medclf.jobs.batch.options import BatchOptions
from napari_medclf.jobs.drive import drive


class Trial:
    """A run during which a worker may be killed, some time after its first case."""

    def __init__(self, cluster: Any, after_s: float | None) -> None:
        self._cluster, self._after_s = cluster, after_s
        self._began_s = 0.0
        self._timer = threading.Timer(after_s or 0.0, self._kill)
        self._timer.daemon = True
        self.n_cases_before, self.undisturbed_s, self.is_killed = 0, 0.0, False

    def __call__(self, event: JobEvent) -> None:
        """Begin to count at the first case, and kill when it is time; the leader waits for nothing else here."""
        if not self._began_s:
            self._began_s = time.monotonic()
            if self._after_s is not None:
                self._timer.start()
        if isinstance(event, CaseDone):
            self.n_cases_before += not self.is_killed
            self.undisturbed_s = time.monotonic() - self._began_s

    @property
    def told(self) -> str:
        """When a worker was killed, in a few words."""
        return f"killed after {self.n_cases_before} cases" if self.is_killed else "over before the kill"

    def end(self) -> None:
        """Spare the next run a kill that was meant for this one."""
        self._timer.cancel()

    def _kill(self) -> None:
        nanny = random.choice(list(self._cluster.workers.values()))
        if nanny.pid:
            self.is_killed = True
            os.kill(nanny.pid, signal.SIGKILL)


def run(options: BatchOptions, trial: Trial) -> str:
    """Run to the end; returns what went wrong."""
    outcome = drive(batch(options), trial)
    trial.end()
    if outcome.reason is not FinishReason.COMPLETED:
        return outcome.message
    return "; ".join(f"{one.case_id}: {one.reason}" for one in outcome.failures)


def wait_for_workers(cluster: Any, n_workers: int) -> None:
    """Let the nanny start the killed one again."""
    while len(cluster.scheduler.workers) < n_workers:
        time.sleep(0.1)


def try_all(cluster: Any, options: Any, work: Path, n_trials: int) -> int:
    """Kill workers; returns how many trials went wrong."""
    reference = work / "reference"
    drive(batch(options(work / "warm")))  # torch is loaded
    calm = Trial(cluster, None)
    assert not run(options(reference), calm)
    print(f"undisturbed: {calm.undisturbed_s:.1f} s", flush=True)
    n_bad = n_killed = 0
    within_s = calm.undisturbed_s
    for number in range(n_trials):
        out = work / "out"
        trial = Trial(cluster, random.uniform(0.0, within_s))
        wrong = run(options(out), trial)
        within_s = min(within_s, trial.undisturbed_s)  # a computer that others use is not always as fast
        faults = [wrong] * bool(wrong) + list(differences(out, reference))
        n_bad, n_killed = n_bad + bool(faults), n_killed + trial.is_killed
        print(f"trial {number + 1}: {trial.told}, {faults or 'same'}", flush=True)
        shutil.rmtree(out)
        wait_for_workers(cluster, 2)
    print(f"{n_killed} workers killed; {n_trials - n_bad} of {n_trials} runs have the results of the undisturbed one")
    return n_bad


def main(arguments: Sequence[str] | None = None) -> int:
    """Kill and compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=30)
    parser.add_argument("--images", type=int, default=12)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--model", default="hippocampus-mr")
    parser.add_argument("--seed", type=int, default=11)
    given = parser.parse_args(arguments)
    random.seed(given.seed)
    print(f"seed {given.seed}")
    # A busy computer takes longer than dask's 15 s to start a worker again.
    dask.config.set({"distributed.deploy.lost-worker-timeout": "1 hour"})
    with (
        tempfile.TemporaryDirectory() as temporary,
        LocalCluster(  # type: ignore[no-untyped-call]
            n_workers=2,
            threads_per_worker=1,
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",
            memory_limit=None,
            silence_logs=logging.CRITICAL,
        ) as cluster,
    ):
        work = Path(temporary)
        collect(given.data, work / "in", given.images)

        def options(out: Path) -> BatchOptions:
            address = cluster.scheduler_address
            return BatchOptions(model=given.model, folder=work / "in", out=out, device="cpu", scheduler=address)

        return 1 if try_all(cluster, options, work, given.trials) else 0


if __name__ == "__main__":
    sys.exit(main())
