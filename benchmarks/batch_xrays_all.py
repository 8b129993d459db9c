"""Ten thousand real X-rays at 224 px to CSV with a DenseNet-121: CPU seconds over the bare network's, and memory.

python benchmarks/batch_xrays_all.py ../shared/data/medmnist/pneumoniamnist.npz [--n 10000] [--runtime torch]

The X-rays are those of the file, enlarged to 224 x 224 with a little noise, each a PNG of its own; the second time
round they are moved aside. One batch runs them all, as a person would start it, with listing, table, page and triage.
After every 250 cases it waits while another process calls the bare network 25 times on a tensor that is there already,
so that both meet the same load of the computer; the bare network's seconds for all images follow from the mean. The
batch's seconds are all of its process's, starting included. The ratio so far and the memory are told at the hundredth
case, at every thousandth and at the end, with the results written.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch
from made_images import real_xrays
from made_models import CLASSES, XRAY_PX, make_densenet
from PIL import Image
from watched import memory_mb, refuse_failure

from napari_medclf.domain.events import CaseDone
from napari_medclf.jobs.batch.batch import batch
from napari_medclf.jobs.batch.options import BatchOptions
from napari_medclf.jobs.drive import drive
from napari_medclf.jobs.models import find_model
from napari_medclf.jobs.predict import RunOptions, load_package

EVERY, N_BARE = 250, 25
N_AT_THE_START = 8
FIRST = 100


@dataclass
class Watch:
    """Asks for the bare network's seconds now and then, and notes the memory."""

    bare: Connection
    bare_start_s: float
    began_s: float = field(default_factory=time.process_time)
    n_done: int = 0
    n_bare: int = 0
    bare_s: float = 0.0
    marks_mb: dict[int, float] = field(default_factory=dict)

    def __call__(self, event: object) -> None:
        """Take an event of the run."""
        refuse_failure(event)
        if not isinstance(event, CaseDone):
            return
        self.n_done += 1
        if self.n_done % EVERY == 0:
            self.bare.send(N_BARE)
            self.bare_s += self.bare.recv()
            self.n_bare += N_BARE
        if self.n_done == FIRST or self.n_done % 1000 == 0:
            self.marks_mb[self.n_done] = memory_mb()
            print(f"case {self.n_done}: {self.marks_mb[self.n_done]:.0f} MB; {self.told()}", flush=True)

    def told(self) -> str:
        """Seconds of both until now, and their ratio."""
        ours_s = time.process_time() - self.began_s
        if not self.n_bare:
            return f"ours {ours_s:.1f} CPU s"
        each_s = self.bare_s / self.n_bare
        bare_s = self.bare_start_s + self.n_done * each_s
        return (
            f"ours {ours_s:.1f} CPU s, bare network {bare_s:.1f} s ({self.bare_start_s:.1f} s to load, "
            f"{1e3 * each_s:.2f} ms an image, mean of {self.n_bare}); ratio {ours_s / bare_s:.3f}"
        )


def main() -> None:
    """Write the pictures, run them and print the ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("npz", type=Path)
    parser.add_argument("--n", type=int, default=10_000)
    parser.add_argument("--runtime", default="torch")
    options = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as temporary:
        scratch = Path(temporary)
        os.environ["MEDCLF_HOME"] = str(scratch / "home")
        model = make_densenet(scratch / "densenet-bench")
        few = write(options.npz, scratch / "few", N_AT_THE_START)
        run(few, model, scratch / "run-of-few", options.runtime, refuse_failure)  # converts and measures, once for all
        show(write(options.npz, scratch / "xrays", options.n), model, scratch / "run", options)


def write(npz: Path, folder: Path, n: int) -> Path:
    """Write X-rays as PNG."""
    folder.mkdir()
    for number, picture in zip(range(n), real_xrays(npz), strict=False):
        Image.fromarray(picture).save(folder / f"{number:05d}.png")
    return folder


def show(folder: Path, model: Path, out: Path, options: argparse.Namespace) -> None:
    """Run all, the bare network in turns, and print what it took."""
    ours, theirs = multiprocessing.Pipe()
    context = multiprocessing.get_context("spawn")
    child = context.Process(target=call_bare, args=(theirs, model, options.runtime, options.n), daemon=True)
    child.start()
    watch = Watch(ours, bare_start_s=ours.recv())
    run(folder, model, out, options.runtime, watch)
    assert watch.n_done == options.n
    first_mb = watch.marks_mb[FIRST]
    print(
        f"{options.n} X-rays of {XRAY_PX} px (png), runtime {options.runtime}: {watch.told()}\n"
        f"memory from case {FIRST} to the last {max(watch.marks_mb.values()) - first_mb:.0f} MB, to the end "
        f"{memory_mb() - first_mb:.0f} MB"
    )
    ours.send(0)
    child.join()


def run(folder: Path, model: Path, out: Path, runtime: str, watch: Callable[[object], None]) -> None:
    """Run a batch into a fresh folder."""
    how = BatchOptions(model=str(model), folder=folder, out=out, device="cpu", runtime=runtime, files=False)
    outcome = drive(batch(how), on_event=watch)
    assert outcome.result is not None, outcome.message
    assert len((out / "results.csv").read_text().splitlines()) == 1 + len(list(folder.iterdir()))


def call_bare(questions: Connection, model: Path, runtime: str, n_images: int) -> None:
    """Load the network, and answer each number with the CPU seconds of so many calls on one picture; 0 ends it."""
    torch.set_num_threads(1)
    before_s = time.process_time()
    loaded = load_package(find_model(str(model)), RunOptions(device="cpu", runtime=runtime), n_images)
    network = loaded.network  # type: ignore[attr-defined]  # native models have one
    questions.send(time.process_time() - before_s)
    picture = torch.rand(1, 1, XRAY_PX, XRAY_PX)
    with torch.inference_mode():
        while n_calls := questions.recv():
            before_s = time.process_time()
            for _ in range(n_calls):
                assert network(picture).shape == (1, len(CLASSES))
            questions.send(time.process_time() - before_s)


if __name__ == "__main__":
    main()
