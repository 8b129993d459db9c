"""Draw and change training images: our samplers, and MONAI's transforms behind torch's DataLoader with 2 workers.

python benchmarks/input_pipeline.py [--rounds 5] [--images 4096] [--volumes 16]

Two tables: whole pictures of 28 x 28 pixels in batches of 128, and patches of labelled volumes in batches of 2. Both
sides make the same kinds of changes with the same limits, from images that are in memory; MONAI keeps its workers alive
between epochs, as it is fastest, and tracks no metadata. Ours runs in one process with one thread. CPU seconds count
workers too.
"""

from __future__ import annotations

import argparse
import math
import multiprocessing
import os
import statistics
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from napari_medclf.domain.card import NetworkSpec
from napari_medclf.domain.input_spec import InputSpec, Intensity
from napari_medclf.domain.recipe import AugmentSettings, Recipe
from napari_medclf.domain.results import Sample
from napari_medclf.engine.augment.sampler import ImageSampler, PatchSampler
from napari_medclf.engine.train.cases import TrainCase

PICTURES = AugmentSettings(
    flip_axes=(1,), rotate_deg=15, scale=0.15, shear=0.1, shift=0.1, gain=0.4, bias=0.4, gamma=0.4, noise_sd=0.2,
    blur_vox=0.7, cutout=0.4,
)  # fmt: skip
PATCHES = AugmentSettings(flip_axes=(2,), rotate_deg=15, scale=0.15, gain=0.2, bias=0.1, gamma=0.3, noise_sd=0.1)
VOLUME_VOX, PATCH_VOX = (40, 56, 40), (32, 48, 32)
N_WORKERS = 2


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--images", type=int, default=4096)
    parser.add_argument("--volumes", type=int, default=16)
    options = parser.parse_args()
    torch.set_num_threads(1)  # threads that spin under other load would be counted too
    random = np.random.default_rng(0)
    pictures = random.normal(size=(options.images, 1, 28, 28)).astype(np.float32)
    compare(
        f"An epoch of {options.images} pictures of 28 x 28, batches of 128",
        {"napari-medclf": our_pictures(pictures), f"MONAI, {N_WORKERS} workers": monai_pictures(pictures)},
        options.rounds,
    )
    volumes = random.normal(size=(options.volumes, 1, *VOLUME_VOX)).astype(np.float32)
    labels = np.zeros((options.volumes, *VOLUME_VOX), np.uint8)
    labels[:, 14:26, 20:38, 12:24], labels[:, 18:24, 24:30, 16:22] = 1, 2
    compare(
        f"{options.volumes * 8} patches of {PATCH_VOX} out of {options.volumes} volumes of {VOLUME_VOX}, batches of 2",
        {"napari-medclf": our_patches(volumes, labels), f"MONAI, {N_WORKERS} workers": monai_patches(volumes, labels)},
        options.rounds,
    )


def our_pictures(pictures: np.ndarray) -> Callable[[], Iterable[Tensor]]:
    """Give a function that draws an epoch."""
    cases = [TrainCase(str(n), str(n), Sample(one, np.asarray(n % 2))) for n, one in enumerate(pictures)]
    spec = InputSpec(
        spatial_dims=2, channels=("gray",), intensity=Intensity(kind="none"), resize_to=(28, 28), patch_vox=(28, 28)
    )
    recipe = Recipe(network=NetworkSpec(target="none"), input=spec, batch=128, augment=PICTURES)
    sampler = ImageSampler(cases, recipe, torch.eye(2)[[n % 2 for n in range(len(cases))]])
    generator = torch.Generator().manual_seed(0)
    return lambda: (batch.images for batch in sampler.batches(generator))


def monai_pictures(pictures: np.ndarray) -> Callable[[], Iterable[Tensor]]:
    """Give a function that draws an epoch from MONAI's Dataset behind a DataLoader."""
    from monai import transforms as t
    from monai.data import Dataset, set_track_meta
    from torch.utils.data import DataLoader

    set_track_meta(False)
    angle = math.radians(PICTURES.rotate_deg)
    change = t.Compose(
        [
            t.RandAffine(
                prob=1.0,
                rotate_range=angle,
                shear_range=PICTURES.shear,
                scale_range=PICTURES.scale,
                translate_range=28 * PICTURES.shift,
                padding_mode="border",
            ),
            t.RandFlip(prob=0.5, spatial_axis=1),
            t.RandGaussianSmooth(prob=1.0, sigma_x=(0.01, PICTURES.blur_vox), sigma_y=(0.01, PICTURES.blur_vox)),
            t.RandAdjustContrast(prob=1.0, gamma=(1 / (1 + PICTURES.gamma), 1 + PICTURES.gamma)),
            t.RandScaleIntensity(prob=1.0, factors=PICTURES.gain),
            t.RandShiftIntensity(prob=1.0, offsets=PICTURES.bias),
            t.RandGaussianNoise(prob=1.0, std=PICTURES.noise_sd),
            t.RandCoarseDropout(prob=1.0, holes=1, spatial_size=1, max_spatial_size=round(28 * PICTURES.cutout)),
        ]
    )
    dataset = Dataset(list(pictures), change)
    return _loader(DataLoader(dataset, 128, shuffle=True, num_workers=N_WORKERS, persistent_workers=True))


def our_patches(volumes: np.ndarray, labels: np.ndarray) -> Callable[[], Iterable[Tensor]]:
    """Give a function that draws eight patches a volume."""
    cases = [
        TrainCase(str(n), str(n), Sample(one, marks.astype(np.int64)))
        for n, (one, marks) in enumerate(zip(volumes, labels, strict=True))
    ]
    spec = InputSpec(spatial_dims=3, channels=("gray",), intensity=Intensity(kind="none"), patch_vox=PATCH_VOX)
    network = NetworkSpec(target="none")
    recipe = Recipe(network=network, input=spec, batch=2, samples_per_epoch=8 * len(volumes), augment=PATCHES)
    sampler = PatchSampler(cases, recipe)
    generator = torch.Generator().manual_seed(0)
    return lambda: (batch.images for batch in sampler.batches(generator))


def monai_patches(volumes: np.ndarray, labels: np.ndarray) -> Callable[[], Iterable[Tensor]]:
    """Give a function that draws eight patches a volume with MONAI's dictionary transforms."""
    from monai import transforms as t
    from monai.data import Dataset, list_data_collate
    from torch.utils.data import DataLoader

    angle = math.radians(PATCHES.rotate_deg)
    both = ["image", "label"]
    change = t.Compose(
        [
            t.RandCropByPosNegLabeld(both, label_key="label", spatial_size=PATCH_VOX, pos=1, neg=1, num_samples=1),
            t.RandAffined(
                both,
                prob=1.0,
                rotate_range=(angle,) * 3,
                scale_range=PATCHES.scale,
                mode=("bilinear", "nearest"),
                padding_mode="zeros",
            ),
            t.RandFlipd(both, prob=0.5, spatial_axis=2),
            t.RandAdjustContrastd("image", prob=1.0, gamma=(1 / (1 + PATCHES.gamma), 1 + PATCHES.gamma)),
            t.RandScaleIntensityd("image", prob=1.0, factors=PATCHES.gain),
            t.RandShiftIntensityd("image", prob=1.0, offsets=PATCHES.bias),
            t.RandGaussianNoised("image", prob=1.0, std=PATCHES.noise_sd),
        ]
    )
    pairs = [{"image": one, "label": marks[np.newaxis]} for one, marks in zip(volumes, labels, strict=True)] * 8
    loader = DataLoader(
        Dataset(pairs, change),
        2,
        shuffle=True,
        num_workers=N_WORKERS,
        persistent_workers=True,
        collate_fn=list_data_collate,
    )
    return _loader(loader, "image")


def _loader(loader: Any, key: str = "") -> Callable[[], Iterable[Tensor]]:
    return lambda: ((batch[key] if key else batch) for batch in loader)


def compare(title: str, ways: dict[str, Callable[[], Iterable[Tensor]]], rounds: int) -> None:
    """Draw an epoch each way in turns, after one that does not count, and print medians and ratios."""
    spread = {name: _draw(way) for name, way in ways.items()}
    wall: dict[str, list[float]] = {name: [] for name in ways}
    cpu: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            started, started_cpu = time.perf_counter(), _cpu_s()
            _draw(way)
            wall[name].append(time.perf_counter() - started)
            cpu[name].append(_cpu_s() - started_cpu)
    first = next(iter(ways))
    ours_wall, ours_cpu = statistics.median(wall[first]), statistics.median(cpu[first])
    print(f"\n{title}")
    print(
        f"  {'':22} {'wall s':>8} {'range':>15} {'CPU s':>8} {'wall ratio':>11} {'CPU ratio':>10} {'sd of samples':>14}"
    )
    for name in ways:
        middle, middle_cpu = statistics.median(wall[name]), statistics.median(cpu[name])
        reach = f"{min(wall[name]):.2f}-{max(wall[name]):.2f}"
        ratios = f"{middle / ours_wall:11.1f} {middle_cpu / ours_cpu:10.1f}"
        print(f"  {name:22} {middle:8.2f} {reach:>15} {middle_cpu:8.2f} {ratios} {spread[name]:14.2f}")


def _draw(way: Callable[[], Iterable[Tensor]]) -> float:
    """Draw an epoch, and say how far its samples spread: both sides should be alike."""
    spreads = [float(images.std()) for images in way()]
    return statistics.mean(spreads)


def _cpu_s() -> float:
    """CPU seconds of this process and of the workers that are alive."""
    ticks = 0
    for worker in multiprocessing.active_children():
        fields = Path(f"/proc/{worker.pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return time.process_time() + ticks / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
