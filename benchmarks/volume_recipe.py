"""The 3D recipe that the training benchmarks run, and volumes for it."""

from __future__ import annotations

import numpy as np

from napari_medclf.domain.recipe import Recipe
from napari_medclf.domain.results import Sample
from napari_medclf.engine.recipes.files import load_recipe
from napari_medclf.engine.train.cases import TrainCase
from napari_medclf.engine.train.objectives.segment import Segment

NAMES = ("anterior", "posterior")
SHAPE = (40, 52, 36)
"""About that of a hippocampus at 1 mm, larger than the recipe's patch of 32 x 48 x 32."""


def recipe(n_samples: int, precision: str) -> Recipe:
    """Make the recipe of the embedded hippocampus model, with epochs of so many patches."""
    loaded = load_recipe("hippocampus-mr")
    return loaded.model_copy(update={"samples_per_epoch": n_samples, "precision": precision, "epochs": 1000})


def volumes(n: int) -> list[TrainCase]:
    """Make noisy volumes with two ellipsoids that touch."""
    cases = []
    grid = np.stack(np.meshgrid(*(np.linspace(-1, 1, size) for size in SHAPE), indexing="ij"))
    for number in range(n):
        random = np.random.default_rng(number)
        centre = random.uniform(-0.2, 0.2, 3)[:, None, None, None]
        radius = random.uniform(0.4, 0.6, 3)[:, None, None, None]
        is_inside = (((grid - centre) / radius) ** 2).sum(0) < 1
        labels = is_inside * (1 + (grid[1] > centre[1]))
        image = random.normal(0, 1, (1, *SHAPE)) + labels
        cases.append(TrainCase(f"{number}", f"{number}", Sample(image.astype(np.float32), labels.astype(np.int64))))
    return cases


def objective(used: Recipe) -> Segment:
    """Make what is learned, from twelve volumes."""
    return Segment(used, volumes(12), volumes(1), NAMES)
