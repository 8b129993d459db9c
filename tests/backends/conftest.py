"""Real weights of other makers, and cards for small models."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from napari_medclf.domain.card import ModelCard, NetworkSpec, Task
from napari_medclf.domain.input_spec import InputSpec, Intensity
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.output_spec import OutputSpec


@pytest.fixture(scope="session")
def shared_weights(shared_data: Path) -> Path:
    """Weights of other makers beside the repository; tests that need them are skipped where they are absent."""
    folder = shared_data.parent / "weights"
    if not folder.is_dir():
        pytest.skip("the folder of real weights, ../shared/weights beside the repository, is not here")
    return folder


@pytest.fixture
def make_card() -> Any:
    """Give a function that makes a card; keywords of the input, the output and the network by their own names."""

    def make(
        classes: tuple[str, ...] = ("object",),
        *,
        task: Task = Task.SEGMENT,
        input: dict[str, Any] | None = None,
        output: dict[str, Any] | None = None,
        target: str = "",
        arguments: dict[str, Any] | None = None,
    ) -> ModelCard:
        first = 0 if task is Task.CLASSIFY else 1
        spec = {
            "spatial_dims": 2,
            "channels": ("gray",),
            "intensity": Intensity(kind="none"),
            "patch_vox": (16, 24),
            **(input or {}),
        }
        return ModelCard(
            name="small",
            version="1",
            task=task,
            title="Small",
            description="For tests.",
            input=InputSpec(**spec),
            output=OutputSpec(schema=LabelSchema.from_names(classes, first_value=first), **(output or {})),
            network=NetworkSpec(target=target, arguments=arguments or {}),
            licence="CC0-1.0",
        )

    return make


@pytest.fixture
def noise() -> Any:
    """Give a function that makes (N, C, *spatial) float32 noise, the same each time."""

    def make(*shape: int) -> Any:
        return np.random.default_rng(7).standard_normal(shape).astype(np.float32)

    return make
