"""Tiny trainings that take a fraction of a second."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from napari_medclf.domain.card import ModelCard, NetworkSpec, Task
from napari_medclf.domain.events import EpochDone
from napari_medclf.domain.input_spec import InputSpec, Intensity
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.output_spec import OutputSpec
from napari_medclf.domain.recipe import AveragingSettings, OptimiserSettings, Recipe
from napari_medclf.domain.results import Sample
from napari_medclf.engine.train.cases import TrainCase
from napari_medclf.engine.train.fit import fit
from napari_medclf.engine.train.settings import FitSettings

UNET = NetworkSpec(
    target="monai.networks.nets.BasicUNet",
    arguments={"spatial_dims": 2, "in_channels": 1, "out_channels": 2, "features": [4, 4, 4, 4, 4, 4]},
)
RESNET = NetworkSpec(
    target="monai.networks.nets.ResNet",
    arguments={
        "block": "basic", "layers": [1, 1, 1, 1], "block_inplanes": [4, 4, 8, 8], "spatial_dims": 2,
        "n_input_channels": 1, "num_classes": 2, "conv1_t_size": 3, "conv1_t_stride": 1, "no_max_pool": True,
    },
)  # fmt: skip

QUICK = {"optimiser": OptimiserSettings(lr=1e-2), "averaging": AveragingSettings(decay=0.5)}


def segment_recipe(**changes) -> Recipe:
    spec = InputSpec(
        spatial_dims=2, channels=("gray",), intensity=Intensity(kind="range"), patch_vox=(32, 32), divisible_by=16
    )
    settings = {"epochs": 3, "samples_per_epoch": 4, "batch": 2, **QUICK} | changes
    return Recipe(network=UNET, input=spec, **settings)


def classify_recipe(**changes) -> Recipe:
    spec = InputSpec(
        spatial_dims=2, channels=("gray",), intensity=Intensity(kind="range"), resize_to=(16, 16), patch_vox=(16, 16)
    )
    settings = {"epochs": 3, "batch": 8, **QUICK} | changes
    return Recipe(network=RESNET, input=spec, **settings)


def draft_of(task: Task, recipe: Recipe) -> ModelCard:
    names, first = (("dark", "bright"), 0) if task is Task.CLASSIFY else (("square",), 1)
    return ModelCard(
        name="tiny",
        version="1",
        task=task,
        title="Tiny",
        description="For tests.",
        input=recipe.input,
        output=OutputSpec(schema=LabelSchema.from_names(names, first_value=first)),
        network=recipe.network,
        licence="BSD-3-Clause",
    )


def square_cases(n: int, first: int = 0) -> list[TrainCase]:
    """Bright squares on a dark ground, lop-sided images of 36 x 44 pixels."""
    cases = []
    for number in range(first, first + n):
        random = np.random.default_rng(number)
        image = random.normal(0.2, 0.05, (1, 36, 44)).astype(np.float32)
        target = np.zeros((36, 44), np.int64)
        j, i = random.integers(2, 20), random.integers(2, 28)
        target[j : j + 12, i : i + 12] = 1
        image[0][target == 1] += 0.6
        cases.append(TrainCase(f"square-{number}", f"patient-{number}", Sample(image, target)))
    return cases


def shade_cases(n: int, first: int = 0) -> list[TrainCase]:
    """Images of class 0 (dark) and 1 (bright), in turns."""
    cases = []
    for number in range(first, first + n):
        random = np.random.default_rng(number)
        image = random.normal(0.3 + 0.3 * (number % 2), 0.1, (1, 16, 16)).astype(np.float32)
        cases.append(TrainCase(f"shade-{number}", f"patient-{number}", Sample(image, np.asarray(number % 2))))
    return cases


def start(task: Task, recipe: Recipe, folder: Path, **options):
    """A training of six cases, three to validate on; not run yet."""
    make = shade_cases if task is Task.CLASSIFY else square_cases
    n = 16 if task is Task.CLASSIFY else 6
    cases = {"train": make(n), "val": make(n // 2, first=100)} | {
        name: options.pop(name) for name in ("train", "val") if name in options
    }
    settings = FitSettings(folder, **options)
    return fit(draft_of(task, recipe), recipe, cases["train"], cases["val"], settings)


def finish(job):
    """Run a job to its end; returns its result and events."""
    events = []
    while True:
        try:
            events.append(next(job))
        except StopIteration as end:
            return end.value, events


def stop_after(job, n_epochs: int) -> None:
    """Close a training once it has told of so many epochs."""
    for event in job:
        if isinstance(event, EpochDone) and event.epoch == n_epochs:
            job.close()
