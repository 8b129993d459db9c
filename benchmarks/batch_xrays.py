"""X-rays of 224 x 224 to CSV with a DenseNet-121: the CPU seconds of our batch over those of the bare network.

python benchmarks/batch_xrays.py [--n 400] [--packing png dicom] [--runtime torch auto] [--rounds 3] [--profile]

The pictures are made up in a temporary folder, each a file of its own: 8-bit PNG, or DICOM with 12 of 16 bits. The bare
network is the same one in the same runtime, called on a tensor that is there already, once for every picture. Ours is
everything else, too: listing, reading, scaling, checks, what triage compares, the ledger, and the table (`--no-files`,
so no JSON of each picture). Runs alternate; of each way the fastest round counts. Both use one thread for the network.
Seconds an image are those of a run less its start (a run of a few pictures); the ratio is for 10,000 images, starts
included.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch
from made_images import write_xrays
from made_models import CLASSES, XRAY_PX, make_densenet
from watched import refuse_failure

from napari_medclf.jobs.batch.batch import batch
from napari_medclf.jobs.batch.options import BatchOptions
from napari_medclf.jobs.drive import drive
from napari_medclf.jobs.models import find_model
from napari_medclf.jobs.predict import RunOptions, load_package

N_AT_THE_START = 8
N_TO_FORETELL = 10_000


def main() -> None:
    """Print a line for every packing and runtime."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=400, help="X-rays a run")
    parser.add_argument("--packing", nargs="+", choices=["png", "dicom"], default=["png", "dicom"])
    parser.add_argument("--runtime", nargs="+", default=["torch", "auto"])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--profile", action="store_true", help="show where the time of one run goes instead")
    options = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as temporary:
        scratch = Path(temporary)
        os.environ["MEDCLF_HOME"] = str(scratch / "home")
        model = make_densenet(scratch / "densenet-bench")
        for packing in options.packing:
            folder = write_xrays(scratch / packing, options.n, packing)
            few = write_xrays(scratch / f"{packing}-few", N_AT_THE_START, packing)
            for runtime in options.runtime:
                if options.profile:
                    profile(partial(ours, folder, model, scratch, runtime))
                else:
                    show(packing, runtime, options, (folder, few), (model, scratch))


def show(
    packing: str, runtime: str, options: argparse.Namespace, folders: tuple[Path, Path], places: tuple[Path, Path]
) -> None:
    """Run both ways in turns and print what they took."""
    (folder, few), (model, scratch) = folders, places
    ours(few, model, scratch, runtime)  # converts and measures, once for all
    ways: dict[str, Callable[[Path], float]] = {
        "bare": lambda where: bare(len(list(where.iterdir())), model, runtime),
        "ours": lambda where: ours(where, model, scratch, runtime),
    }
    starts: dict[str, list[float]] = {name: [] for name in ways}
    runs: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(options.rounds):
        for name, way in ways.items():
            starts[name].append(way(few))
            runs[name].append(way(folder))
    each, foretold = {}, {}
    for name in ways:
        each[name] = (min(runs[name]) - min(starts[name])) / (options.n - N_AT_THE_START)
        foretold[name] = min(starts[name]) + (N_TO_FORETELL - N_AT_THE_START) * each[name]
    print(
        f"{options.n} X-rays of {XRAY_PX} px ({packing}), runtime {runtime}, CPU ms an image: bare network "
        f"{1e3 * each['bare']:.2f}, ours {1e3 * each['ours']:.2f}; start {min(starts['bare']):.1f} and "
        f"{min(starts['ours']):.1f} s; ratio for {N_TO_FORETELL:,} images {foretold['ours'] / foretold['bare']:.3f}",
        flush=True,
    )


def bare(n: int, model: Path, runtime: str) -> float:
    """CPU seconds of loading the network and calling it on one picture after the other."""
    before_s = time.process_time()
    loaded = load_package(find_model(str(model)), RunOptions(device="cpu", runtime=runtime), n)
    network = loaded.network  # type: ignore[attr-defined]  # native models have one
    picture = torch.rand(1, 1, XRAY_PX, XRAY_PX)
    with torch.inference_mode():
        for _ in range(n):
            assert network(picture).shape == (1, len(CLASSES))
    return time.process_time() - before_s


def ours(folder: Path, model: Path, scratch: Path, runtime: str) -> float:
    """CPU seconds of a batch into a fresh folder, as a person would start it."""
    with tempfile.TemporaryDirectory(dir=scratch) as out:
        out_folder = Path(out) / "run"
        options = BatchOptions(
            model=str(model), folder=folder, out=out_folder, device="cpu", runtime=runtime, files=False
        )
        before_s = time.process_time()
        outcome = drive(batch(options), on_event=refuse_failure)
        taken_s = time.process_time() - before_s
        assert outcome.result is not None, outcome.message
        assert len((options.out / "results.csv").read_text().splitlines()) == 1 + len(list(folder.iterdir()))
    return taken_s


def profile(run: Callable[[], float]) -> None:
    """Print the functions that take most, on all threads."""
    import cProfile
    import pstats
    import threading

    profiles: list[cProfile.Profile] = [cProfile.Profile()]

    def begin(*_: object) -> None:
        threading.setprofile(None)
        profiles.append(cProfile.Profile())
        profiles[-1].enable()

    threading.setprofile(begin)
    profiles[0].enable()
    run()
    profiles[0].disable()
    threading.setprofile(None)
    for one in profiles:
        pstats.Stats(one).sort_stats("tottime").print_stats(40)


if __name__ == "__main__":
    main()
