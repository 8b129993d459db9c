"""From logits on a model's grid to labels on the CT's own: ours, nnU-Net's, TotalSegmentator's and MONAI's ways.

python benchmarks/labels_home.py [--classes 25] [--cases organs ragged fragmented noise] [--rounds 3]
                                 [--labels LABELS.nii.gz] [--peer-python PATH]

A CT of 512 x 512 x 300 voxels, a model grid of 3 mm: 150 x 128 x 128. Every way runs in a process of its own, one
thread, in turns; CPU seconds (user + system) without imports and reading, peak memory above that after reading. Ways
that take more than a minute run in the first round only. Peers are their own functions, in the Python of
`--peer-python`: nnU-Net's `convert_predicted_logits_to_segmentation_with_correct_shape` (logits in half precision, as
its predictor hands them on), TotalSegmentator's `_convert_logits_to_segmentation_with_cropped_resampling` and its
`resample_one_hot_crop` (of the arg-max), MONAI's `Resize(mode="trilinear")` and arg-max.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

MODEL, SOURCE = (150, 128, 128), (300, 512, 512)
# A third of the way up from a class's smoothed edge, logits change by about one; then noise of so many of them.
CASES = {"organs": 0.5, "ragged": 4.0, "fragmented": 8.0, "noise": None}
WAYS = {
    "ours": "napari-medclf",
    "one_hot_crop": "TotalSegmentator, one-hot crop",
    "cropped_logits": "TotalSegmentator, cropped logits",
    "monai": "MONAI Resize, arg-max",
    "nnunet": "nnU-Net",
}
PEER_WAYS = ("one_hot_crop", "cropped_logits", "nnunet")
SLOW_S = 60.0


def main() -> None:
    """Print a table a case."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--classes", type=int, default=25)
    parser.add_argument("--cases", nargs="+", choices=CASES, default=list(CASES))
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--labels", type=Path, help="a real label map, from which the organs' shapes are taken")
    parser.add_argument("--peer-python", default="", help="a Python with nnunetv2 and TotalSegmentator")
    parser.add_argument("--work", nargs=2, metavar=("WAY", "FOLDER"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        print(json.dumps(work(*options.work)))
        return
    for case in options.cases:
        with tempfile.TemporaryDirectory() as folder:
            np.save(Path(folder, "logits.npy"), make_logits(case, options.classes, options.labels))
            compare(case, options, folder)


def compare(case: str, options: argparse.Namespace, folder: str) -> None:
    """Run every way in turns and print their medians, and ratios to the first one."""
    found: dict[str, list[dict[str, float]]] = {}
    for number in range(options.rounds):
        for way in options.ways:
            is_slow = number > 0 and (way not in found or found[way][0]["cpu_s"] > SLOW_S)
            if not is_slow and (result := run(way, options.peer_python, folder)) is not None:
                found.setdefault(way, []).append(result)
    if "ours" not in found:
        print(f"{case}: nothing to compare with")
        return
    ours = {name: statistics.median(one[name] for one in found["ours"]) for name in ("cpu_s", "peak_mib")}
    print(f"\n{case}, {options.classes} classes, {MODEL} to {SOURCE}, 1 thread")
    print(f"  {'':34} {'CPU s':>8} {'ratio':>7} {'peak MiB':>9} {'ratio':>7} {'other labels':>13}")
    for way, results in found.items():
        cpu_s, peak = (statistics.median(one[name] for one in results) for name in ("cpu_s", "peak_mib"))
        other = count_differences(folder, way)
        print(
            f"  {WAYS[way]:34} {cpu_s:8.2f} {cpu_s / ours['cpu_s']:7.1f} {peak:9.0f} {peak / ours['peak_mib']:7.1f} "
            f"{other:13.4%}",
            flush=True,
        )
    print(f"  voxels of ours unlike float32 interpolation of every class: {check(folder)}", flush=True)


def run(way: str, peer_python: str, folder: str) -> dict[str, float] | None:
    """Run one way in a process of its own; None, with a line that says why, where that is not possible."""
    python = peer_python if way in PEER_WAYS else sys.executable
    if not python:
        print(f"  {WAYS[way]}: skipped, no --peer-python given")
        return None
    needed = needed_gib(way, np.load(Path(folder, "logits.npy"), mmap_mode="r").shape[0])
    if needed > free_gib():
        print(f"  {WAYS[way]}: skipped, needs about {needed:.0f} GiB, {free_gib():.0f} GiB are free")
        return None
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    command = [python, str(Path(__file__).resolve()), "--work", way, folder]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **threads}, check=False)
    if done.returncode:
        print(f"  {WAYS[way]}: skipped, {done.stderr.strip().splitlines()[-1:]}")
        return None
    result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return result


def work(way: str, folder: str) -> dict[str, float]:
    """Warm up, run once, and save the labels."""
    logits = np.load(Path(folder, "logits.npy"))
    function = globals()[f"by_{way}"]
    small = np.random.default_rng(0).normal(size=(len(logits), 6, 8, 8)).astype(np.float32)
    function(small, (12, 16, 16))
    Path("/proc/self/clear_refs").write_text("5")  # the peak counts from here
    before_kib, started = peak_kib(), time.process_time()
    labels = function(logits, SOURCE)
    cpu_s, after_kib = time.process_time() - started, peak_kib()
    np.save(Path(folder, f"{way}.npy"), np.asarray(labels).astype(np.uint8))
    return {"cpu_s": cpu_s, "peak_mib": max(after_kib - before_kib, 1) / 1024}


def by_ours(logits: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
    """Our way, slab by slab as the sliding window hands them on."""
    from napari_medclf.domain.geometry import Geometry
    from napari_medclf.domain.input_spec import InputSpec, Intensity
    from napari_medclf.engine.grid.plan import map_grid
    from napari_medclf.engine.restore.argmax import ArgmaxHome

    k, j, i = (3.0 * old / new for old, new in zip(logits.shape[1:], shape, strict=True))
    spec = InputSpec(
        spatial_dims=3, channels=("CT",), intensity=Intensity(kind="none"), spacing_mm=(3.0,) * 3, patch_vox=(96,) * 3
    )
    home = ArgmaxHome(map_grid(Geometry.from_spacing(shape, (k, j, i)), spec), len(logits))
    for start in range(0, logits.shape[1], 32):
        home.take(start, logits[:, start : start + 32])
    return home.finish()


def by_monai(logits: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
    """Resize every class, then arg-max."""
    import torch
    from monai.transforms import Resize

    torch.set_num_threads(1)
    resized = Resize(shape, mode="trilinear", align_corners=False)(torch.from_numpy(logits))
    return np.asarray(torch.as_tensor(resized).argmax(dim=0).to(torch.uint8).numpy())


def by_nnunet(logits: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
    """Resample and decide as nnU-Net exports a prediction."""
    import torch
    from nnunetv2.inference import export_prediction

    plans, configuration, manager, properties = nnunet_settings(logits, shape)
    convert = export_prediction.convert_predicted_logits_to_segmentation_with_correct_shape
    half = torch.from_numpy(logits).half()
    return np.asarray(convert(half, plans, configuration, manager, properties, num_threads_torch=1))


def by_cropped_logits(logits: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
    """Resample each class inside of its box, as TotalSegmentator does since 2.13."""
    from totalsegmentator.nnunet_runtime_patches import _convert_logits_to_segmentation_with_cropped_resampling

    _, configuration, manager, properties = nnunet_settings(logits, shape)
    return np.asarray(
        _convert_logits_to_segmentation_with_cropped_resampling(
            logits,
            manager,
            shape,
            configuration.spacing,
            properties["spacing"],
            configuration.resampling_fn_probabilities,
        )
    )


def by_one_hot_crop(logits: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
    """Take the arg-max on the model's grid, resample each label inside of its box."""
    import torch
    from totalsegmentator.resampling import resample_one_hot_crop

    torch.set_num_threads(1)
    coarse = torch.from_numpy(logits).argmax(0).to(torch.uint8).numpy()
    return np.asarray(resample_one_hot_crop(coarse, shape, order=1, nr_cpus=1))


def nnunet_settings(logits: np.ndarray, shape: tuple[int, int, int]) -> tuple[Any, Any, Any, dict[str, Any]]:
    """Say what nnU-Net's plans would: spacing, resampling of logits (order 1), labels; no crop, no transposition."""
    from functools import partial

    from nnunetv2.preprocessing.resampling.default_resampling import resample_data_or_seg_to_shape
    from nnunetv2.utilities.label_handling.label_handling import LabelManager

    labels = {"background": 0, **{f"class {n}": n for n in range(1, len(logits))}}
    resampling = partial(resample_data_or_seg_to_shape, is_seg=False, order=1, order_z=0, force_separate_z=None)
    plans = SimpleNamespace(transpose_forward=[0, 1, 2], transpose_backward=[0, 1, 2])
    configuration = SimpleNamespace(spacing=[3.0, 3.0, 3.0], resampling_fn_probabilities=resampling)
    properties = {
        "spacing": [3.0 * old / new for old, new in zip(logits.shape[1:], shape, strict=True)],
        "shape_after_cropping_and_before_resampling": shape,
        "shape_before_cropping": shape,
        "bbox_used_for_cropping": [[0, n] for n in shape],
    }
    return plans, configuration, LabelManager(labels, regions_class_order=None), properties


def make_logits(case: str, n_classes: int, label_map: Path | None) -> np.ndarray:
    """Make logits (C, *MODEL) float32 like those of a network: smooth, ragged, in fragments, or mere noise."""
    from scipy.ndimage import gaussian_filter

    random = np.random.default_rng(0)
    logits = random.normal(size=(n_classes, *MODEL)).astype(np.float32)
    noise = CASES[case]
    if noise is None:
        return logits
    labels = organs(n_classes, label_map)
    for index, one in enumerate(logits):
        inside = np.clip(gaussian_filter((labels == index).astype(np.float32), 1.0), 1e-4, 1 - 1e-4)
        one[...] = 1.3 * np.log(inside / (1 - inside)) + 5 * noise * gaussian_filter(one, 1.0)
    return logits


def organs(n_classes: int, label_map: Path | None) -> np.ndarray:
    """Lay out labels (*MODEL): those of a real map, or ellipsoids; the largest are split until there are enough."""
    if label_map is None:
        labels = ellipsoids()
    else:
        from nibabel.nifti1 import Nifti1Image

        found = np.asarray(Nifti1Image.from_filename(label_map).dataobj).astype(np.int64).transpose(2, 1, 0)
        index = [((np.arange(new) + 0.5) * old / new).astype(int) for old, new in zip(found.shape, MODEL, strict=True)]
        labels = found[np.ix_(*index)]
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    kept = np.argsort(-sizes)[: min(n_classes - 1, np.count_nonzero(sizes))]
    renamed = np.zeros(len(sizes), dtype=np.int64)
    renamed[kept] = np.arange(1, len(kept) + 1)
    labels = np.asarray(renamed[labels])
    for name in range(len(kept) + 1, n_classes):
        largest = int(np.bincount(labels.ravel())[1:].argmax()) + 1
        places = np.nonzero(labels == largest)
        longest = max(range(3), key=lambda axis: np.ptp(places[axis]))
        is_upper = places[longest] > np.median(places[longest])
        labels[tuple(place[is_upper] for place in places)] = name
    return labels


def ellipsoids() -> np.ndarray:
    """Lay forty ellipsoids into the middle."""
    random = np.random.default_rng(1)
    labels, grid = np.zeros(MODEL, dtype=np.int64), np.indices(MODEL).reshape(3, -1).T
    for name in range(1, 41):
        centre = np.array(MODEL) * random.uniform(0.25, 0.75, 3)
        inside = (((grid - centre) / random.uniform(5, 20, 3)) ** 2).sum(axis=1) < 1
        labels.reshape(-1)[inside] = name
    return labels


def count_differences(folder: str, way: str) -> float:
    """Tell which part of the voxels carries another label than ours."""
    ours, other = (np.load(Path(folder, f"{one}.npy"), mmap_mode="r") for one in ("ours", way))
    return float(np.mean([np.mean(a != b) for a, b in zip(ours, other, strict=True)]))


def check(folder: str) -> int:
    """Count voxels of ours unlike the arg-max of torch's trilinear interpolation, class by class in float32."""
    import torch

    best, labels = torch.full(SOURCE, -torch.inf), torch.zeros(SOURCE, dtype=torch.uint8)
    for index, one in enumerate(np.load(Path(folder, "logits.npy"), mmap_mode="r")):
        scores = torch.from_numpy(one.copy())[None, None]
        scores = torch.nn.functional.interpolate(scores, SOURCE, mode="trilinear", align_corners=False)[0, 0]
        labels[scores > best] = index
        torch.maximum(best, scores, out=best)
    return int(np.count_nonzero(labels.numpy() != np.load(Path(folder, "ours.npy"))))


def needed_gib(way: str, n_classes: int) -> float:
    """Estimate memory: all classes on the source grid where a way makes them (float32, or half for nnU-Net)."""
    voxels = float(np.prod(SOURCE)) / 2**30
    per_class = {"monai": 4.2, "nnunet": 2.1}
    return voxels * (per_class.get(way, 0) * n_classes + 16) + n_classes * np.prod(MODEL) * 8 / 2**30


def free_gib() -> float:
    """Read what is free for new programs; Linux only."""
    lines = Path("/proc/meminfo").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("MemAvailable")).split()[1]) / 2**20


def peak_kib() -> int:
    """Read this process's own peak; Linux only."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1])


if __name__ == "__main__":
    main()
