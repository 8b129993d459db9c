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
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import imagecodecs
import numpy as np
import torch
from scipy.ndimage import gaussian_filter

from napari_medclf.domain.card import ModelCard, NetworkSpec, Task
from napari_medclf.domain.events import CaseFailed
from napari_medclf.domain.input_spec import InputSpec, Intensity
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.output_spec import OutputSpec
from napari_medclf.domain.run import RunSpec
from napari_medclf.jobs.batch.batch import BatchOptions, batch
from napari_medclf.jobs.drive import drive
from napari_medclf.store.bundle import write_package

SIZE_PX = 224
HIGHEST = 4095
CLASSES = [f"finding {number}" for number in range(1, 19)]
NETWORK = {"spatial_dims": 2, "in_channels": 1, "out_channels": len(CLASSES)}
N_PICTURES = 4
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
        model = make_model(scratch / "densenet-bench")
        for packing in options.packing:
            folder = write_xrays(scratch / packing, options.n, packing)
            few = write_xrays(scratch / f"{packing}-few", N_AT_THE_START, packing)
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


def refuse_failure(event: object) -> None:
    """Stop where an image could not be done."""
    if isinstance(event, CaseFailed):
        raise AssertionError(event.reason)


def loop(folder: Path, scratch: Path) -> Run:
    """Classify one file after the other, as TorchXRayVision's README does."""
    from monai.networks.nets import DenseNet121

    before = (time.process_time(), time.perf_counter())
    network = DenseNet121(**NETWORK)
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

        crop, resize = xrv.datasets.XRayCenterCrop(), xrv.datasets.XRayResizer(SIZE_PX)
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
    small = resize(square, (1, SIZE_PX, SIZE_PX), mode="constant", preserve_range=True)
    return np.asarray(small.astype(np.float32))


def make_model(folder: Path) -> Path:
    """Write a package with a DenseNet-121 of random weights, scaled as TorchXRayVision scales; and its bare weights."""
    from monai.networks.nets import DenseNet121
    from safetensors.torch import save

    torch.manual_seed(0)
    network = DenseNet121(**NETWORK).eval()
    torch.save(network.state_dict(), folder.parent / "weights.pt")
    intensity = Intensity(kind="window", low=0, high=HIGHEST, is_clipped=False, mean=(0.5,), std=(1 / 2048,))
    card = ModelCard(
        name=folder.name,
        version="1",
        task=Task.CLASSIFY,
        title="DenseNet-121 for a benchmark",
        description="Random weights.",
        input=InputSpec(
            spatial_dims=2,
            channels=("gray",),
            intensity=intensity,
            crop="square",
            resize_to=(SIZE_PX, SIZE_PX),
            patch_vox=(SIZE_PX, SIZE_PX),
        ),
        output=OutputSpec(schema=LabelSchema.from_names(CLASSES), activation="sigmoid"),
        network=NetworkSpec(target="monai.networks.nets.DenseNet121", arguments=NETWORK),
        licence="CC0",
    )
    run_spec = RunSpec(command="train", options={})
    write_package(folder, card, save(network.state_dict()), run_spec, "CC0")
    return folder


def write_xrays(folder: Path, n: int, packing: str) -> Path:
    """Write DICOM X-rays, each under its own identifiers."""
    folder.mkdir()
    pictures = [(picture, pack(picture, packing)) for picture in make_pictures()]
    for number in range(n):
        write_xray(folder / f"{number:04d}.dcm", *pictures[number % len(pictures)], number, packing)
    return folder


def make_pictures() -> Iterator[np.ndarray]:
    """A smooth body with noise, 12 bits."""
    random = np.random.default_rng(0)
    for _ in range(N_PICTURES):
        noise = random.normal(size=(2560, 2048))
        body = gaussian_filter(noise, 60)
        gray = (body - body.min()) / np.ptp(body) * 3600 + 200 + noise * 8
        yield np.clip(gray, 0, HIGHEST).astype(np.uint16)


def pack(picture: np.ndarray, packing: str) -> bytes:
    """Pixel data as raw little-endian samples, or as reversible JPEG 2000."""
    if packing == "raw":
        return picture.astype("<u2").tobytes()
    return bytes(imagecodecs.jpeg2k_encode(picture, level=0, reversible=True, codecformat="j2k", bitspersample=12))


def write_xray(path: Path, picture: np.ndarray, packed: bytes, number: int, packing: str) -> None:
    """Write one Digital X-Ray image."""
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.encaps import encapsulate
    from pydicom.uid import UID, ExplicitVRLittleEndian, JPEG2000Lossless

    root = "1.2.826.0.1.3680043.8.498.9"
    xray: Any = Dataset()
    xray.file_meta = FileMetaDataset()
    xray.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian if packing == "raw" else JPEG2000Lossless
    xray.file_meta.MediaStorageSOPClassUID = xray.SOPClassUID = UID("1.2.840.10008.5.1.4.1.1.1.1")
    xray.file_meta.MediaStorageSOPInstanceUID = xray.SOPInstanceUID = UID(f"{root}.{number + 1}.1")
    xray.StudyInstanceUID, xray.SeriesInstanceUID = UID(f"{root}.{number + 1}.2"), UID(f"{root}.{number + 1}.3")
    xray.Modality, xray.InstanceNumber, xray.PatientID = "DX", 1, f"phantom-{number}"
    xray.ImagerPixelSpacing = [0.14, 0.14]
    (xray.Rows, xray.Columns), xray.SamplesPerPixel = picture.shape, 1
    xray.BitsAllocated, xray.BitsStored, xray.HighBit, xray.PixelRepresentation = 16, 12, 11, 0
    xray.PhotometricInterpretation = "MONOCHROME2"
    xray.PixelData = packed if packing == "raw" else encapsulate([packed])
    xray["PixelData"].VR = "OW" if packing == "raw" else "OB"
    xray.save_as(path, enforce_file_format=True)


if __name__ == "__main__":
    main()
