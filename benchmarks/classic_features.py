"""Count texture features of many small pictures: ours for a batch at once, and scikit-image one picture at a time.

python benchmarks/classic_features.py [--n 1000] [--side 28] [--rounds 3]

Both count the co-occurrence matrices of 8 levels at distance 1 in four directions with their six properties, the
uniform local binary patterns of radius 1, and the oriented gradients in 4 x 4 cells, of the same smoothed noise. One
thread, in turns, CPU seconds, medians.
"""

from __future__ import annotations

import argparse
import math
import os
import statistics
import time
import warnings
from collections.abc import Callable

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch
from scipy.ndimage import gaussian_filter
from skimage.feature import graycomatrix, graycoprops, hog, local_binary_pattern

from napari_medclf.engine.classic.features import glcm as glcm_module
from napari_medclf.engine.classic.features.first_order import quantise
from napari_medclf.engine.classic.features.hog import hog as our_hog
from napari_medclf.engine.classic.features.lbp import lbp as our_lbp

PROPERTIES = ("contrast", "dissimilarity", "homogeneity", "ASM", "entropy", "correlation")
ANGLES = [number * math.pi / 4 for number in range(4)]


def main() -> None:
    """Print the seconds of both ways and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--n", type=int, default=1000)
    parser.add_argument("--side", type=int, default=28)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")  # scikit-image's patterns warn of floating-point pictures
    noise = np.random.default_rng(0).normal(size=(options.n, options.side, options.side))
    pictures = gaussian_filter(noise, (0, 1.5, 1.5))
    ways: dict[str, Callable[[np.ndarray], object]] = {"scikit-image": one_by_one, "ours": all_at_once}
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(options.rounds):
        for name, way in ways.items():
            seconds[name].append(cpu_seconds(way, pictures))
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    for name, value in medians.items():
        print(f"{name:13} {value:7.2f} s for {options.n} pictures")
    print(f"ratio         {medians['scikit-image'] / medians['ours']:7.1f}")


def cpu_seconds(way: Callable[[np.ndarray], object], pictures: np.ndarray) -> float:
    """CPU seconds of one pass."""
    started = time.process_time()
    way(pictures)
    return time.process_time() - started


def one_by_one(pictures: np.ndarray) -> None:
    """Count with scikit-image."""
    levels = quantise(torch.from_numpy(pictures).flatten(1), glcm_module.N_LEVELS).reshape(pictures.shape).numpy()
    cell = (pictures.shape[1] // 4, pictures.shape[2] // 4)
    for picture, quantised in zip(pictures, levels.astype(np.uint8), strict=True):
        matrix = graycomatrix(quantised, [1], ANGLES, glcm_module.N_LEVELS, symmetric=True, normed=True)
        for name in PROPERTIES:
            graycoprops(matrix, name)
        np.bincount(local_binary_pattern(picture, 8, 1, "uniform").astype(int).ravel(), minlength=10)
        hog(picture, 9, cell, (2, 2), "L2-Hys")


def all_at_once(pictures: np.ndarray) -> None:
    """Count with this package; its patterns of radius 2 and co-occurrences at distance 2 come on top."""
    batch = torch.from_numpy(pictures)
    glcm_module.glcm(batch)
    our_lbp(batch)
    our_hog(batch, 4)


if __name__ == "__main__":
    main()
