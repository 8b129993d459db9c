"""Memory of a run over many small cases: how much it grows from the hundredth case to the end.

python benchmarks/batch_memory.py [--n 10000] [--no-files]

The pictures are made up in a temporary folder, 32 x 32 as 8-bit PNG, no two alike; the network is a small one with
random weights. What is told is the memory that is in the process (Linux), when the listing is done, at the hundredth
case, at every thousandth, and at the end, with the results written.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch
from made_images import write_small_pictures
from made_models import make_tiny_classifier
from watched import memory_mb, refuse_failure

from napari_medclf.domain.events import CaseDone, Progress
from napari_medclf.jobs.batch.batch import batch
from napari_medclf.jobs.batch.options import BatchOptions
from napari_medclf.jobs.drive import drive

FIRST = 100


def main() -> None:
    """Run, and print memory on the way."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=10_000)
    parser.add_argument("--no-files", action="store_true", help="write the table only")
    options = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as temporary:
        scratch = Path(temporary)
        os.environ["MEDCLF_HOME"] = str(scratch / "home")
        run(
            write_small_pictures(scratch / "pictures", options.n),
            make_tiny_classifier(scratch / "tiny-bench"),
            scratch,
            options,
        )


def run(folder: Path, model: Path, scratch: Path, options: argparse.Namespace) -> None:
    """Run a batch and watch."""
    marks: dict[int, float] = {}
    n_done = 0
    begun_s = time.perf_counter()

    def watch(event: object) -> None:
        nonlocal n_done
        refuse_failure(event)
        if isinstance(event, Progress) and event.message.startswith("loading"):
            print(f"listed: {memory_mb():.0f} MB", flush=True)
        if isinstance(event, CaseDone):
            n_done += 1
            if n_done == FIRST or n_done % 1000 == 0:
                marks[n_done] = memory_mb()
                print(f"case {n_done}: {marks[n_done]:.0f} MB, {time.perf_counter() - begun_s:.0f} s", flush=True)

    how = BatchOptions(
        model=str(model), folder=folder, out=scratch / "run", device="cpu", runtime="torch", files=not options.no_files
    )
    outcome = drive(batch(how), on_event=watch)
    assert outcome.result is not None, outcome.message
    assert n_done == options.n
    end = memory_mb()
    print(
        f"{options.n} cases: growth from case {FIRST} to the last {max(marks.values()) - marks[FIRST]:.0f} MB, to the "
        f"end with all results {end - marks[FIRST]:.0f} MB; {time.process_time() / options.n * 1e3:.1f} CPU ms a case"
    )


if __name__ == "__main__":
    main()
