"""Images with a lump that tiny networks can learn to find."""

from __future__ import annotations

import numpy as np

from napari_medclf.domain.card import ModelCard, NetworkSpec, Task
from napari_medclf.domain.input_spec import InputSpec, Intensity
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.output_spec import OutputSpec
from napari_medclf.domain.results import Sample
from napari_medclf.engine.train.cases import TrainCase

SIZE = (16, 16, 32)


def card_of(task: Task, names: tuple[str, ...], dims: int) -> ModelCard:
    arguments = {
        "spatial_dims": dims, "in_channels": 1, "out_channels": 3 if task is Task.INSTANCES else len(names) + 1,
        "features": [4, 4, 8, 8, 8, 4], "norm": "batch",
    }  # fmt: skip
    if task is Task.CLASSIFY:
        network = NetworkSpec(
            target="monai.networks.nets.DenseNet",
            arguments={
                "spatial_dims": 2, "in_channels": 1, "out_channels": 2, "block_config": [1, 1], "init_features": 4,
                "growth_rate": 4,
            },
        )  # fmt: skip
    else:
        network = NetworkSpec(target="monai.networks.nets.BasicUNet", arguments=arguments)
    scaled = Intensity(kind="zscore", low=0, high=100)
    spec = InputSpec(
        spatial_dims=dims, channels=("gray",), intensity=scaled, patch_vox=SIZE[3 - dims :], divisible_by=16
    )
    schema = LabelSchema.from_names(list(names), first_value=0 if task is Task.CLASSIFY else 1)
    return ModelCard(
        name="lump", version="1", task=task, title="Lumps", description="Finds lumps.", input=spec,
        output=OutputSpec(schema=schema), network=network, licence="MIT",
    )  # fmt: skip


def cases_of(card: ModelCard, n: int = 4) -> tuple[TrainCase, ...]:
    """Bright boxes on dark ground; of classes, whether there is one."""
    cases = []
    for number in range(n):
        random = np.random.default_rng(number)
        shape = (18, 20, 30)[3 - card.input.spatial_dims :]
        labels = np.zeros(shape, dtype=np.int64)
        labels[tuple(slice(4 + number % 3, 11) for _ in shape)] = 1
        is_there = card.task is not Task.CLASSIFY or number % 2
        image = (random.normal(0, 0.3, shape) + 2 * labels * is_there)[np.newaxis].astype(np.float32)
        target = np.asarray(number % 2, dtype=np.int64) if card.task is Task.CLASSIFY else labels
        cases.append(TrainCase(f"case{number}", f"p{number}", Sample(image, target)))
    return tuple(cases)
