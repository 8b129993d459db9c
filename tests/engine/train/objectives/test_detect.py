"""A detector learns to find squares and cubes, and where its scores begin to mean something."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tiny_trainings import draft_of, finish

from napari_medclf.domain.card import ModelCard, NetworkSpec, Task
from napari_medclf.domain.errors import CardError
from napari_medclf.domain.input_spec import InputSpec, Intensity
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.output_spec import OutputSpec
from napari_medclf.domain.recipe import AveragingSettings, LossSettings, OptimiserSettings, Recipe
from napari_medclf.domain.results import Sample
from napari_medclf.engine.networks import build_network
from napari_medclf.engine.train.cases import TrainCase
from napari_medclf.engine.train.fit import fit
from napari_medclf.engine.train.objectives.detect import place_anchors
from napari_medclf.engine.train.settings import FitSettings

_SIDE = 12


def _recipe(dims: int, **changes) -> Recipe:
    patch = (64, 48) if dims == 2 else (32, 32, 48)
    arguments = {
        "spatial_dims": dims,
        "in_channels": 1,
        "out_channels": 2,
        "feature_map_scales": [1, 2, 4],
        "base_anchor_shapes": [[_SIDE] * dims],
        "n_channels": 8,
        "n_features": 8,
    }
    network = NetworkSpec(target="napari_medclf.engine.nets.RetinaDetector", arguments=arguments)
    spec = InputSpec(
        spatial_dims=dims,
        channels=("gray",),
        intensity=Intensity(kind="none"),
        patch_vox=patch,
        divisible_by=16,
    )
    settings = {
        "epochs": 8,
        "samples_per_epoch": 24,
        "batch": 4,
        "optimiser": OptimiserSettings(lr=4e-3),
        "averaging": AveragingSettings(decay=0.7),
        "loss": LossSettings(kind="focal"),
    }
    return Recipe(network=network, input=spec, **(settings | changes))


def _draft(recipe: Recipe) -> ModelCard:
    output = OutputSpec(
        schema=LabelSchema.from_names(["bright", "dark"], first_value=1),
        activation="sigmoid",
        has_background_channel=False,
        smallest_score=0.05,
    )
    return draft_of(Task.CLASSIFY, recipe).model_copy(update={"task": Task.DETECT, "output": output})


def _cases(n: int, dims: int, first: int = 0) -> list[TrainCase]:
    """One bright and one dark block in each image, of about twelve voxels a side."""
    shape = (60, 48) if dims == 2 else (30, 30, 46)
    cases = []
    for number in range(first, first + n):
        random = np.random.default_rng(number)
        image = random.normal(0, 0.1, (1, *shape)).astype(np.float32)
        rows = []
        for kind, half in enumerate((0, shape[0] // 2)):
            side = random.integers(10, 14, dims)
            low = np.array([half, *[0] * (dims - 1)]) + random.integers(0, 2, dims)
            low[-1] = random.integers(0, shape[-1] - 14)
            image[(0, *(slice(a, a + b) for a, b in zip(low, side, strict=True)))] += 1 - 2 * kind
            rows.append([*(low - 0.5), *(low + side - 0.5), kind])
        sample = Sample(image, np.array(rows, np.float32))
        cases.append(TrainCase(f"blocks-{number}", f"patient-{number}", sample))
    return cases


@pytest.mark.parametrize("dims", [2, 3])
def test_blocks_are_found(tmp_path: Path, dims: int) -> None:
    recipe = _recipe(dims, **({"samples_per_epoch": 12} if dims == 3 else {}))
    job = fit(_draft(recipe), recipe, _cases(24, dims), _cases(6, dims, 100), FitSettings(tmp_path))
    fitted, _ = finish(job)
    assert fitted.val_metrics["val/map10"] > 0.8
    assert fitted.val_metrics["val/froc"] > 0.8
    assert set(fitted.card.output.thresholds) == {"bright", "dark"}


def test_anchors_stand_in_the_order_of_the_networks_answer() -> None:
    import torch

    recipe = _recipe(2)
    centres, sizes, n_of_level = place_anchors(_draft(recipe))
    network = build_network(recipe.network).eval()
    with torch.no_grad():
        for parameter in network.network.regression_head.parameters():
            parameter.zero_()  # so that every box is its anchor
        rows = network(torch.zeros(1, 1, 64, 48))[0]
    assert sum(n_of_level) == len(rows)
    assert torch.allclose(rows[:, 2:], torch.cat([centres - sizes / 2, centres + sizes / 2], 1))


def test_other_networks_are_refused() -> None:
    recipe = _recipe(2)
    other = _draft(recipe).model_copy(update={"network": NetworkSpec(target="monai.networks.nets.ResNet")})
    with pytest.raises(CardError, match="cannot be trained to find boxes"):
        place_anchors(other)


def test_patch_must_fit_the_pyramid() -> None:
    draft = _draft(_recipe(2))
    uneven = draft.model_copy(update={"input": draft.input.model_copy(update={"patch_vox": (60, 48)})})
    with pytest.raises(CardError, match="60 voxels does not fit"):
        place_anchors(uneven)
