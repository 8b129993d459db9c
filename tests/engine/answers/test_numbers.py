"""Numbers come out in the unit of the card, and ordered classes as probabilities."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from napari_medclf.domain.card import ModelCard, NetworkSpec, Task
from napari_medclf.domain.errors import CardError
from napari_medclf.domain.geometry import Geometry
from napari_medclf.domain.image import MedImage
from napari_medclf.domain.input_spec import InputSpec, Intensity
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.output_spec import OutputSpec, Quantity
from napari_medclf.domain.package import ModelPackage
from napari_medclf.domain.results import Prediction
from napari_medclf.engine.model import LoadedModel
from napari_medclf.jobs.api import run

_SHAPE = (3, 7, 9)


class _MeanAndRange(torch.nn.Module):
    """Says the mean and the largest sample of each slice."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.stack([x.mean(dim=(1, 2, 3)), x.amax(dim=(1, 2, 3))], dim=1)


def _predict(task: Task, output: OutputSpec, network: torch.nn.Module | None = None) -> Prediction:
    card = ModelCard(
        name="numbers", version="1", task=task, title="Numbers", description="For tests.", licence="CC0-1.0",
        input=InputSpec(spatial_dims=2, channels=("gray",), intensity=Intensity(kind="none"), patch_vox=_SHAPE[1:]),
        output=output, network=NetworkSpec(target="none"),
    )  # fmt: skip
    data = np.arange(np.prod(_SHAPE), dtype=np.float32).reshape(_SHAPE) / 100
    image = MedImage(data, Geometry.from_spacing(_SHAPE, (5.0, 0.5, 0.7)), "ramp")
    loaded = LoadedModel(ModelPackage(card, Path("nowhere")), network or _MeanAndRange(), torch.device("cpu"))
    return run(loaded.predict(image))


def _quantities(*names: str, **changes: Any) -> OutputSpec:
    return OutputSpec(schema=LabelSchema.from_names(names), **changes)


def test_numbers_are_means_over_slices_in_the_cards_unit() -> None:
    given = (Quantity(unit="a", mean=50, sd=10), Quantity(mean=1, sd=2))
    found = _predict(Task.REGRESS, _quantities("age", "peak", quantities=given)).regression
    ramp = np.arange(np.prod(_SHAPE)).reshape(_SHAPE) / 100
    assert found is not None
    assert found.values["age"] == pytest.approx(50 + 10 * ramp.mean(), rel=1e-6)
    assert found.values["peak"] == pytest.approx(1 + 2 * ramp.max(axis=(1, 2)).mean(), rel=1e-6)
    assert found.units == {"age": "a"}


def test_network_with_other_numbers_than_its_card_is_refused() -> None:
    with pytest.raises(CardError, match="has 2 scores, but its card says 1"):
        _predict(Task.REGRESS, _quantities("age"))


def test_ordered_classes_have_one_channel_less_than_names() -> None:
    output = _quantities("none", "mild", "severe", activation="ordinal")
    found = _predict(Task.CLASSIFY, output).classification
    assert found is not None
    assert list(found.scores) == ["none", "mild", "severe"]
    assert sum(found.scores.values()) == pytest.approx(1)
    assert found.decided == ("severe",)
