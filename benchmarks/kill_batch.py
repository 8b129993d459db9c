"""Kill batches at random moments, go on with them, and compare the results with those of an undisturbed run.

python benchmarks/kill_batch.py [--trials 30] [--images 12] [--data DIR] [--model hippocampus-mr] [--keep DIR]

Each trial starts `medclf batch` in a process of its own (forked from one that has loaded torch), ends it with SIGKILL
at a random moment between its start and the time that the undisturbed run took, up to three times in a row, and then
lets `--resume` come to the end. Then
* every file of the results has the bytes of the undisturbed run's, and no file is missing or left over;
* `results.csv`, `run.json`, `report.html` and the ledger agree but for times, memory and the number of attempts;
* no case that the ledger called done when the process died was run again.
Linux only. The seed is printed, so that a trial can be repeated.
"""

from __future__ import annotations

import argparse
import csv
import importlib
import json
import os
import random
import re
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from napari_medclf.cli.main import main as main_of_medclf
from napari_medclf.domain.run import CaseStatus
from napari_medclf.store.runs import Ledger

DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "hippocampus_msd" / "images"
TIMES = {"seconds", "elapsed_s", "started", "peak_bytes", "attempt", "seq", "worker"}
OF_THE_RUN = {"ledger.sqlite", "results.csv", "run.json", "report.html"}
MOST_KILLS = 3


@dataclass(frozen=True)
class Batch:
    """A batch as a person starts it."""

    model: str
    images: Path
    formats: tuple[str, ...]

    def command(self, out: Path) -> list[str]:
        """What is typed after ``medclf``."""
        formats = [word for name in self.formats for word in ("--format", name)]
        return ["batch", self.model, str(self.images), "--out", str(out), "--device", "cpu", *formats, "--resume"]

    def start(self, out: Path) -> int:
        """Begin it, or go on with it, in a process of its own; returns the process's number."""
        child = os.fork()
        if child:
            return child
        code = 1
        with suppress(BaseException), (out.parent / "told").open("w") as told:
            os.dup2(told.fileno(), 1)
            os.dup2(told.fileno(), 2)
            code = main_of_medclf([*self.command(out), "--quiet"])
        os._exit(code)

    def finish(self, out: Path) -> float:
        """Run it to the end; returns seconds."""
        began_s = time.monotonic()
        _, status = os.waitpid(self.start(out), 0)
        assert status == 0, f"exit status {status}: {(out.parent / 'told').read_text()}"
        return time.monotonic() - began_s

    def kill(self, out: Path, after_s: float) -> bool:
        """Start it and end it with SIGKILL; returns whether it was still there."""
        child = self.start(out)
        time.sleep(after_s)
        ended, _ = os.waitpid(child, os.WNOHANG)
        if not ended:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
        return not ended


def collect(source: Path, folder: Path, n_images: int) -> None:
    """Copy some images."""
    folder.mkdir(parents=True)
    for path in sorted(source.glob("*.nii.gz"))[:n_images]:
        shutil.copy(path, folder / path.name)


def differences(out: Path, reference: Path) -> Iterator[str]:
    """Tell what two folders of results differ in, but for times."""
    ours, theirs = _files(out), _files(reference)
    yield from (f"{name}: only in one of the two" for name in sorted(ours ^ theirs))
    for name in sorted((ours & theirs) - OF_THE_RUN):
        if (out / name).read_bytes() != (reference / name).read_bytes():
            yield f"{name}: other bytes"
    readers = (("results.csv", _table), ("run.json", _record), ("ledger.sqlite", _ledger), ("report.html", _page))
    for name, read in readers:
        if read(out) != read(reference):
            yield f"{name}: other than of the undisturbed run"


def _files(out: Path) -> set[str]:
    return {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}


def _table(out: Path) -> list[dict[str, str]]:
    with (out / "results.csv").open(newline="") as file:
        return [{name: cell for name, cell in row.items() if name not in TIMES} for row in csv.DictReader(file)]


def _record(out: Path) -> Any:
    record = json.loads((out / "run.json").read_text())
    record["spec"]["options"].pop("out")
    return _timeless(record)


def _page(out: Path) -> str:
    page, n_times = re.subn(r"Begun [^<]*, took [^<]*(?=</p>)", "", (out / "report.html").read_text())
    assert n_times == 1, "the page does not tell when the run began"
    return page


def _ledger(out: Path) -> list[Any]:
    return [_timeless(row.model_dump(mode="json")) for row in Ledger.open(out).rows()]


def _timeless(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _timeless(one) for name, one in value.items() if name not in TIMES}
    return [_timeless(one) for one in value] if isinstance(value, list) else value


def attempts_of_done(out: Path) -> dict[str, int]:
    """How often each case was begun that is done by now; none before there is a ledger."""
    if not Ledger(out).exists():
        return {}
    return {row.source: row.attempt for row in Ledger.open(out).rows() if row.status is CaseStatus.DONE}


def kill_run(batch: Batch, out: Path, undisturbed_s: float) -> tuple[list[str], int, int]:
    """Kill a run some times, and let it come to the end; returns what went wrong, kills, and cases done by then."""
    faults: list[str] = []
    n_kills, done = 0, dict[str, int]()
    for _ in range(random.randint(1, MOST_KILLS)):
        n_kills += batch.kill(out, random.uniform(0.0, 1.05 * undisturbed_s))
        before, done = done, attempts_of_done(out)
        faults += [f"{source}: was run again" for source, n in before.items() if done.get(source) != n]
    batch.finish(out)
    now = attempts_of_done(out)
    faults += [f"{source}: was run again" for source, n in done.items() if now.get(source) != n]
    return faults, n_kills, len(done)


def try_runs(batch: Batch, work: Path, n_trials: int) -> int:
    """Kill runs; returns how many went wrong."""
    reference = work / "reference"
    undisturbed_s = batch.finish(reference)
    print(f"undisturbed: {undisturbed_s:.1f} s, {len(_files(reference))} files", flush=True)
    n_bad = 0
    for trial in range(n_trials):
        out = work / "out"
        faults, n_kills, n_done = kill_run(batch, out, undisturbed_s)
        faults += differences(out, reference)
        n_bad += bool(faults)
        print(
            f"trial {trial + 1}: {n_kills} kills, {n_done} done before the last start, {faults or 'same'}", flush=True
        )
        shutil.rmtree(out)
    print(f"{n_trials - n_bad} of {n_trials} resumed runs have the results of the undisturbed one")
    return n_bad


def main() -> int:
    """Kill, resume, compare."""
    parser = argparse.ArgumentParser(description="kill batches and go on with them")
    parser.add_argument("--trials", type=int, default=30)
    parser.add_argument("--images", type=int, default=12)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--model", default="hippocampus-mr")
    parser.add_argument("--format", nargs="+", default=["nifti", "csv", "overlay"])
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--keep", type=Path, default=None, help="work there, and leave what went wrong")
    arguments = parser.parse_args()
    random.seed(arguments.seed)
    print(f"seed {arguments.seed}")
    for name in ("torch", "monai.inferers", "monai.networks.nets", "nibabel", "scipy.ndimage", "skimage.measure"):
        importlib.import_module(name)  # once for all trials
    work = arguments.keep or Path(tempfile.mkdtemp())
    try:
        collect(arguments.data, work / "in", arguments.images)
        batch = Batch(arguments.model, work / "in", tuple(arguments.format))
        return 1 if try_runs(batch, work, arguments.trials) else 0
    finally:
        if arguments.keep is None:
            shutil.rmtree(work)


if __name__ == "__main__":
    sys.exit(main())
