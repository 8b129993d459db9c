"""Classify a folder of DICOM X-rays with a DenseNet-121 into a CSV: our batch, and a loop in TorchXRayVision's manner.

python benchmarks/classify_xrays.py [--n 100] [--packing raw j2k] [--runtime auto] [--rounds 1] [--full]

The X-rays are made up in a temporary folder (2560 x 2048, 12 of 16 bits, a smooth body with noise; a few pictures,
written again and again under names of their own). The loop is what TorchXRayVision's README shows: pydicom, its
scaling to -1024..1024, its centre crop, its resizing by scikit-image to 224 x 224, and the network on one image after
the other; torchxrayvision itself is used for these steps where it is installed. Both include starting up the network,
write the same columns, and use one thread. Ratios are of CPU seconds, to be read for 1,000 images: seconds an image
are those of a run less its start.
"""

from __future__ import annotations

import argparse
import csv
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch
from made_images import write_films
from made_models import CLASSES, DENSENET, XRAY_PX, make_densenet
from watched import refuse_failure

from napari_medclf.jobs.batch.batch import batch
from napari_medclf.jobs.batch.options import BatchOptions
from napari_medclf.jobs.drive import drive

N_AT_THE_START = 4


@dataclass(frozen=True)
class Run:
    """Seconds of one way through a folder, and the scores it wrote, by file name."""

    cpu_s: float
    wall_s: float
    scores: dict[str, list[float]]


def main() -> None:
    """Print a table a packing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=100, help="X-rays a packing")
    parser.add_argument("--packing", nargs="+", choices=["raw", "j2k"], default=["raw", "j2k"])
    parser.add_argument("--runtime", default="auto")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--full", action="store_true", help="also without reading at a reduced size")
    options = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as temporary:
        scratch = Path(temporary)
        os.environ["MEDCLF_HOME"] = str(scratch / "home")
        model = make_densenet(scratch / "densenet-bench")
        for packing in options.packing:
            folder = write_films(scratch / packing, options.n, packing)
            few = write_films(scratch / f"{packing}-few", N_AT_THE_START, packing)
            ways = {"TorchXRayVision-style loop": lambda where: loop(where, scratch)}
            ways |= our_ways(model, scratch, options.runtime, has_full=options.full)
            show(packing, options.n, ways, folder, few, options.rounds)


def our_ways(model: Path, scratch: Path, runtime: str, *, has_full: bool) -> dict[str, Callable[[Path], Run]]:
    """Our batch as a person would start it."""
    names = {"medclf batch --reduced": True, **({"medclf batch": False} if has_full else {})}
    return {
        name: lambda where, reduced=reduced: ours(where, model, scratch, runtime, reduced=reduced)  # type: ignore[misc]
        for name, reduced in names.items()
    }


def show(packing: str, n: int, ways: dict[str, Callable[[Path], Run]], folder: Path, few: Path, rounds: int) -> None:
    """Run every way in turns and print seconds an image, ratios to the loop, and how far scores are apart."""
    started = {name: way(few) for name, way in ways.items()}  # also converts and measures, once for all
    runs: dict[str, list[Run]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            runs[name].append(way(folder))
    began = {name: way(few) for name, way in ways.items()}
    best = {name: min(several, key=lambda run: run.cpu_s) for name, several in runs.items()}
    each = {name: (best[name].cpu_s - began[name].cpu_s) / (n - N_AT_THE_START) for name in ways}
    theirs = "TorchXRayVision-style loop"
    print(f"\n{n} X-rays of 2560 x 2048 ({packing}) to CSV, DenseNet-121, 1 thread, CPU seconds")
    print(f"  {'':28} {'first start':>11} {'start':>7} {'run':>8} {'an image':>9} {'1,000 images':>13} {'ratio':>6}")
    for name in ways:
        thousand = began[name].cpu_s + (1000 - N_AT_THE_START) * each[name]
        their_thousand = began[theirs].cpu_s + (1000 - N_AT_THE_START) * each[theirs]
        print(
            f"  {name:28} {started[name].cpu_s:11.1f} {began[name].cpu_s:7.1f} {best[name].cpu_s:8.1f} "
            f"{each[name]:9.4f} {thousand:13.0f} {their_thousand / thousand:6.2f}"
        )
    for name in ways:
        if name != theirs:
            print(
                f"  {name}: scores differ from the loop's by up to {largest_difference(best[theirs], best[name]):.1e}"
            )


def largest_difference(one: Run, other: Run) -> float:
    """How far the scores of the same files are apart."""
    assert one.scores.keys() == other.scores.keys(), "not every image was classified"
    return max(float(np.abs(np.subtract(one.scores[name], other.scores[name])).max()) for name in one.scores)


def ours(folder: Path, model: Path, scratch: Path, runtime: str, *, reduced: bool) -> Run:
    """Run our batch job into a fresh folder."""
    with tempfile.TemporaryDirectory(dir=scratch) as out:
        options = BatchOptions(
            model=str(model), folder=folder, out=Path(out) / "run", device="cpu", runtime=runtime, reduced=reduced
        )
        before = (time.process_time(), time.perf_counter())
        outcome = drive(batch(options), on_event=refuse_failure)
        cpu_s, wall_s = time.process_time() - before[0], time.perf_counter() - before[1]
        assert outcome.result is not None, outcome.message
        with (Path(out) / "run" / "results.csv").open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
    scores = {Path(row["source"]).name: [float(row[f"score:{name}"]) for name in CLASSES] for row in rows}
    return Run(cpu_s, wall_s, scores)


def loop(folder: Path, scratch: Path) -> Run:
    """Classify one file after the other, as TorchXRayVision's README does."""
    from monai.networks.nets import DenseNet121

    before = (time.process_time(), time.perf_counter())
    network = DenseNet121(**DENSENET)
    network.load_state_dict(torch.load(scratch / "weights.pt", weights_only=True))
    network.eval()
    prepare = find_steps()
    rows: dict[str, list[float]] = {}
    with torch.inference_mode():
        for path in sorted(folder.iterdir()):
            inputs = torch.from_numpy(prepare(path))
            rows[path.name] = torch.sigmoid(network(inputs[None]))[0].tolist()
    with (scratch / "loop.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["source", *CLASSES], *([name, *values] for name, values in rows.items())])
    return Run(time.process_time() - before[0], time.perf_counter() - before[1], rows)


def find_steps() -> Callable[[Path], np.ndarray]:
    """TorchXRayVision's own steps where it is installed, else the same ones with pydicom and scikit-image."""
    if find_spec("torchxrayvision") is not None:
        import torchxrayvision as xrv

        crop, resize = xrv.datasets.XRayCenterCrop(), xrv.datasets.XRayResizer(XRAY_PX)
        return lambda path: resize(crop(xrv.utils.read_xray_dcm(path)[None]))
    return prepare_alike


def prepare_alike(path: Path) -> np.ndarray:
    """Read, scale, crop and resize as TorchXRayVision 1.5.7: ``read_xray_dcm``, ``XRayCenterCrop``, ``XRayResizer``."""
    from pydicom import dcmread
    from skimage.transform import resize

    dataset = dcmread(path, force=True)
    samples = dataset.pixel_array
    scaled = ((2 * (samples.astype(np.float32) / (2**dataset.BitsStored - 1)) - 1.0) * 1024)[None]
    _, rows, columns = scaled.shape
    size = min(rows, columns)
    top, left = rows // 2 - size // 2, columns // 2 - size // 2
    square = scaled[:, top : top + size, left : left + size]
    small = resize(square, (1, XRAY_PX, XRAY_PX), mode="constant", preserve_range=True)
    return np.asarray(small.astype(np.float32))


if __name__ == "__main__":
    main()
