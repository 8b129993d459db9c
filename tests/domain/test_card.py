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


def _changed(part, changes):
    values = card().model_dump(mode="json", by_alias=True)
    values[part] = values[part] | changes
    return ModelCard.model_validate(values)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"channels": []}, "channels"),
        ({"channels": ["x"] * 100_000}, "channels"),
        ({"patch_vox": [10**9, 10**9, 10**9]}, "patch_vox"),
        ({"patch_vox": [0, 8, 8]}, "patch_vox"),
        ({"resize_to": [10**9, 10**9, 10**9]}, "resize_to"),
        ({"resize_to": [-1, 8, 8]}, "resize_to"),
        *(({"spacing_mm": [wrong, 1.0, 1.0]}, "spacing_mm") for wrong in (0, -1, 1e-9, 1e300, "nan", "inf")),
        ({"overlap": 0.999999}, "overlap"),
        ({"overlap": "nan"}, "overlap"),
        ({"divisible_by": 0}, "divisible_by"),
        ({"divisible_by": -8}, "divisible_by"),
        ({"axis_codes": "SPP"}, "axis_codes"),
        ({"axis_codes": "XYZ"}, "axis_codes"),
        ({"axis_codes": "S" * 1_000_000}, "axis_codes"),
        ({"axis_order": [0, 0, 1]}, "axis_order"),
        ({"intensity": {"kind": "window", "low": 5, "high": 5}}, "low must be below high"),
        ({"intensity": {"kind": "window", "low": "nan", "high": 5}}, "low"),
        ({"intensity": {"kind": "percentile", "low": -1, "high": 101}}, "percentiles"),
        ({"intensity": {"kind": "none", "std": [0]}}, "std holds a 0"),
        ({"intensity": {"kind": "none", "mean": [1, 2, 3]}}, "as many numbers"),
        ({"then": [{"kind": "none"}] * 1000}, "then"),
    ],
)
def test_input_that_no_model_has_is_refused(changes, reason):
    with pytest.raises(ValidationError, match=reason) as refusal:
        _changed("input", changes)
    assert len(refusal.value.errors()[0]["msg"]) < 200


def _schema(*classes):
    return {"classes": [{"value": value, "name": name, "colour": "#112233"} for value, name in classes]}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"temperature": 1e-300}, "temperature"),
        ({"temperature": "inf"}, "temperature"),
        ({"thresholds": {"spleen": 1.5}}, "thresholds"),
        ({"thresholds": {"spleen": "nan"}}, "thresholds"),
        ({"thresholds": {"liver": 0.5}}, "'liver', which is no class"),
        ({"priority": ["liver"]}, "'liver', which is no class"),
        ({"largest_only": ["liver"]}, "'liver', which is no class"),
        ({"mirror_axes": [3]}, "mirror_axes"),
        ({"mirror_axes": [-1]}, "mirror_axes"),
        ({"mirror_axes": [0, 0]}, "names an axis twice"),
        ({"min_object_vox": -1}, "min_object_vox"),
        ({"n_members": 10**9}, "n_members"),
        ({"schema": _schema()}, "from 1 to"),
        ({"schema": _schema((0, "background"))}, "needs a class with a value above 0"),
        ({"schema": _schema((1, "a"), (1, "b"))}, "each class value may stand once"),
        ({"schema": _schema((1, "a"), (2, "a"))}, "each class name may stand once"),
        ({"schema": _schema((70_000, "a"))}, "values up to"),
        ({"schema": _schema(*((n + 1, f"c{n}") for n in range(200_000)))}, "from 1 to"),
        ({"schema": _schema(*((1, "a") for n in range(200_000)))}, "each class name may stand once"),
    ],
)
def test_output_that_no_model_has_is_refused(changes, reason):
    with pytest.raises(ValidationError, match=reason) as refusal:
        _changed("output", changes)
    assert len(refusal.value.errors()[0]["msg"]) < 200


def test_mirrored_axis_must_be_one_of_the_network():
    flat = {"spatial_dims": 2, "spacing_mm": None, "patch_vox": [8, 8]}
    values = card().model_dump(mode="json", by_alias=True)
    with pytest.raises(ValidationError, match="mirror_axes names the axis 2 of 2 dimensions"):
        ModelCard.model_validate(
            values | {"input": values["input"] | flat, "output": values["output"] | {"mirror_axes": [2]}}
        )
