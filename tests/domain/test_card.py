"""A card that contradicts itself is no card."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from napari_medclf.domain.card import ModelCard, NetworkSpec, Task
from napari_medclf.domain.input_spec import InputSpec, Intensity
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.output_spec import OutputSpec


def card(**changes):
    values = {
        "name": "spleen-ct",
        "version": "1.0.0",
        "task": Task.SEGMENT,
        "title": "Spleen",
        "description": "Spleen on CT.",
        "input": InputSpec(
            spatial_dims=3,
            channels=("CT",),
            intensity=Intensity(kind="window", low=-160, high=240),
            spacing_mm=(3.0, 1.5, 1.5),
            patch_vox=(32, 96, 96),
        ),
        "output": OutputSpec(schema=LabelSchema.from_names(["spleen"], first_value=1)),
        "network": NetworkSpec(target="monai.networks.nets.UNet"),
        "licence": "BSD-3-Clause",
    }
    return ModelCard(**(values | changes))


def test_card_survives_json():
    assert ModelCard.model_validate_json(card().model_dump_json(by_alias=True)) == card()


@pytest.mark.parametrize("name", ["", "../evil", "a b", ".hidden", "x" * 81])
def test_name_that_is_no_safe_folder_name_is_refused(name):
    with pytest.raises(ValidationError, match="name"):
        card(name=name)


@pytest.mark.parametrize("field", ["spacing_mm", "patch_vox", "resize_to"])
def test_sizes_must_have_as_many_numbers_as_dimensions(field):
    values = card().input.model_dump() | {field: (4, 4)}
    with pytest.raises(ValidationError, match=f"{field} has 2 numbers for 3 dimensions"):
        InputSpec(**values)


def test_unknown_field_is_refused_rather_than_ignored():
    with pytest.raises(ValidationError, match="spacing_cm"):
        card(spacing_cm=1)


def test_temperature_must_be_positive():
    with pytest.raises(ValidationError, match="temperature"):
        OutputSpec(schema=LabelSchema.from_names(["a"]), temperature=0)


def test_card_says_research_use_only():
    assert "Research use only" in card().intended_use
