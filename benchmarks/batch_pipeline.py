"""How well reading, the network and writing overlap: a whole folder against its slowest stage alone.

python benchmarks/batch_pipeline.py [--kind volumes films share] [--n 24] [--rounds 3]

Every stage is run alone first, one case after the other on one thread: all images are read, then all answered, then all
written. Then the same folder is run as a person would, and the time from the first case to the last is compared. Both
alternate; medians of the rounds. 1.0 means that the folder takes as long as its slowest stage; more, that several
readers do what one after the other cannot.

volumes  NIfTI with gzip, segmented by a small 3D network: the network takes most.
films    large X-rays in JPEG 2000 and a classifier: reading takes most.
share    pictures on a share where opening, asking about and listing a file takes 200 ms each (simulated): all but that
         is the network's. Here it is the network that the folder is compared with.
"""

from __future__ import annotations

import argparse
import builtins
import io
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch
from made_images import write_films, write_volumes, write_xrays
from made_models import make_densenet, make_segmenter
from watched import refuse_failure

from napari_medclf.domain.events import CaseDone
from napari_medclf.domain.run import RunSpec
from napari_medclf.jobs.batch.batch import batch
from napari_medclf.jobs.batch.options import BatchOptions
from napari_medclf.jobs.drive import drive, finish
from napari_medclf.jobs.models import find_model
from napari_medclf.jobs.predict import RunOptions, load_package
from napari_medclf.jobs.runs import cases as run_module
from napari_medclf.jobs.runs.case import RunPlan
from napari_medclf.jobs.runs.run_book import RunBook
from napari_medclf.jobs.runs.sources import find_in_folder
from napari_medclf.jobs.runs.stages import answer_case, read_case, write_case

LATENCY_S = 0.2


@dataclass(frozen=True)
class Stages:
    """Seconds of every stage alone."""

    read_s: float
    answer_s: float
    write_s: float


def main() -> None:
    """Print a line for every kind of folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--kind", nargs="+", choices=["volumes", "films", "share"], default=["volumes", "films", "share"]
    )
    parser.add_argument("--n", type=int, default=24)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as temporary:
        scratch = Path(temporary)
        os.environ["MEDCLF_HOME"] = str(scratch / "home")
        for kind in options.kind:
            folder, model = make(kind, scratch, options.n)
            show(kind, folder, model, scratch, options.rounds)


def make(kind: str, scratch: Path, n: int) -> tuple[Path, Path]:
    """Write a folder of images and a model for them."""
    if kind == "volumes":
        return write_volumes(scratch / "volumes", n), make_segmenter(scratch / "segmenter-bench")
    classifier = scratch / "densenet-bench"
    model = classifier if classifier.exists() else make_densenet(classifier)
    if kind == "films":
        return write_films(scratch / "films", n, "j2k"), model
    return write_xrays(scratch / "share", 8 * n, "png"), model


def show(kind: str, folder: Path, model: Path, scratch: Path, rounds: int) -> None:
    """Run stages alone and the folder as a whole in turns."""
    alone: list[Stages] = []
    whole: list[float] = []
    for number in range(rounds):
        alone.append(run_stages(folder, model, scratch / f"{kind}-alone-{number}"))
        with slow_share(folder if kind == "share" else scratch / "nowhere"):
            whole.append(run_whole(folder, model, scratch / f"{kind}-whole-{number}"))
    read_s = statistics.median(one.read_s for one in alone)
    answer_s = statistics.median(one.answer_s for one in alone)
    write_s = statistics.median(one.write_s for one in alone)
    whole_s = statistics.median(whole)
    slowest_s = answer_s if kind == "share" else max(read_s, answer_s, write_s)
    n = len(list(folder.iterdir()))
    note = f", opening and asking {LATENCY_S:g} s each when run as a whole" if kind == "share" else ""
    print(
        f"{kind}: {n} images{note}; alone: read {read_s:.1f} s, answer {answer_s:.1f} s, write {write_s:.1f} s, sum "
        f"{read_s + answer_s + write_s:.1f} s; as a whole {whole_s:.1f} s; slowest stage over whole "
        f"{slowest_s / whole_s:.2f}",
        flush=True,
    )


def run_stages(folder: Path, model: Path, out: Path) -> Stages:
    """Read all, answer all, write all."""
    package, options = find_model(str(model)), RunOptions(device="cpu", runtime="torch")
    plan = RunPlan(RunSpec(command="batch", options={}), package, options, out)
    loaded = load_package(package, options)
    RunBook(plan)
    marks = [time.perf_counter()]
    read = [read_case(plan, case) for case in find_in_folder(folder).cases]
    marks.append(time.perf_counter())
    answered = [finish(answer_case(plan, loaded, one)) for one in read]
    marks.append(time.perf_counter())
    for one in answered:
        write_case(plan, one)
    marks.append(time.perf_counter())
    return Stages(*np.diff(marks).tolist())


def run_whole(folder: Path, model: Path, out: Path) -> float:
    """Seconds of a batch, from the model being loaded to the last case."""
    marks: list[float] = []

    def load(*arguments: Any) -> Any:
        loaded = load_package(*arguments)
        marks.append(time.perf_counter())
        return loaded

    def watch(event: object) -> None:
        refuse_failure(event)
        if isinstance(event, CaseDone):
            marks.append(time.perf_counter())

    with replaced(run_module, "load_package", load):
        options = BatchOptions(model=str(model), folder=folder, out=out, device="cpu", runtime="torch")
        outcome = drive(batch(options), on_event=watch)
    assert outcome.result is not None, outcome.message
    assert len(marks) == 1 + len(list(folder.iterdir()))
    return marks[-1] - marks[0]


@contextmanager
def replaced(module: Any, name: str, value: object) -> Iterator[None]:
    """Let a name stand for something else for a while."""
    before = getattr(module, name)
    setattr(module, name, value)
    try:
        yield
    finally:
        setattr(module, name, before)


@contextmanager
def slow_share(folder: Path) -> Iterator[None]:
    """Let everything that goes to the disk by name take a while below a folder."""
    prefix = str(folder)

    def slow(call: Callable[..., Any]) -> Callable[..., Any]:
        def waiting(path: Any = ".", *arguments: Any, **named: Any) -> Any:
            if isinstance(path, str | os.PathLike) and os.fspath(path).startswith(prefix) and is_running():
                time.sleep(LATENCY_S)
            return call(path, *arguments, **named)

        return waiting

    places = ((builtins, "open"), (io, "open"), (os, "open"), (os, "stat"), (os, "lstat"), (os, "scandir"))
    before = [getattr(module, name) for module, name in places]
    for (module, name), call in zip(places, before, strict=True):
        setattr(module, name, slow(call))
    try:
        yield
    finally:
        for (module, name), call in zip(places, before, strict=True):
            setattr(module, name, call)


def is_running() -> bool:
    """Whether this is one of the threads that read ahead: the listing before the run is left out."""
    import threading

    return threading.current_thread().name.startswith("medclf-read")


if __name__ == "__main__":
    main()
