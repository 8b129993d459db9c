from __future__ import annotations

import doctest
from pathlib import Path

import pytest

from napari_medclf.domain.card import NetworkSpec, Task
from napari_medclf.domain.input_spec import InputSpec, Intensity
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.recipe import AugmentSettings, Recipe, label_warnings
from napari_medclf.domain.recipe.label_warnings import warnings_of, with_safe_flips, without_breaking

ALL = AugmentSettings(
    flip_axes=(0, 1, 2), rotate_deg=180, quarter_turns=True, scale=0.2, gain=0.3, noise_sd=0.1, channel_gain=0.1
)


def classes(*names: str) -> LabelSchema:
    return LabelSchema.from_names(names, first_value=1)


def volumes(axis_codes: str | None) -> InputSpec:
    return InputSpec(
        spatial_dims=3, channels=("gray",), intensity=Intensity(kind="none"), patch_vox=(8, 8, 8), axis_codes=axis_codes
    )


def test_example_of_the_documentation_runs():
    assert doctest.testmod(label_warnings).failed == 0


@pytest.mark.parametrize(
    "names",
    [("left kidney", "right kidney"), ("Kidney_L", "Kidney_R"), ("KidneyLeft",), ("Niere links",), ("rein gauche",)],
)
def test_flip_of_the_axis_between_left_and_right_is_warned_of(names):
    settings = AugmentSettings(flip_axes=(0, 1, 2))
    (sentence,) = warnings_of(settings, classes(*names), Task.SEGMENT, volumes("SAR"))
    assert sentence.startswith("Flips of axis 2 break the label")
    assert all(name in sentence for name in names)
    assert without_breaking(settings, classes(*names), Task.SEGMENT, volumes("SAR")).flip_axes == (0, 1)


def test_axis_is_told_by_the_codes():
    hippocampus = classes("anterior", "posterior")
    assert warnings_of(AugmentSettings(flip_axes=(2,)), hippocampus, Task.SEGMENT, volumes("SAR")) == ()
    assert warnings_of(AugmentSettings(flip_axes=(1,)), hippocampus, Task.SEGMENT, volumes("SAR"))
    assert warnings_of(AugmentSettings(flip_axes=(1,)), hippocampus, Task.SEGMENT, volumes("LSP")) == ()


def test_any_axis_of_a_volume_without_codes_may_be_any():
    for axis in range(3):
        assert warnings_of(AugmentSettings(flip_axes=(axis,)), classes("left lung"), Task.SEGMENT, volumes(None))


def test_columns_of_a_picture_are_left_and_right():
    lungs = classes("left lung", "right lung")
    assert warnings_of(AugmentSettings(flip_axes=(1,)), lungs, Task.SEGMENT)
    assert warnings_of(AugmentSettings(flip_axes=(0,)), lungs, Task.SEGMENT) == ()


def test_turns_are_warned_of_once_they_come_round():
    lungs = classes("left lung", "right lung")
    assert warnings_of(AugmentSettings(rotate_deg=30), lungs, Task.SEGMENT) == ()
    assert len(warnings_of(AugmentSettings(rotate_deg=180, quarter_turns=True), lungs, Task.SEGMENT)) == 2


@pytest.mark.parametrize(
    ("name", "setting"),
    [("cardiomegaly", "scale"), ("hyperdense lesion", "gain"), ("noisy", "noise_sd"), ("red cell", "channel_gain")],
)
def test_what_a_class_is_told_by_must_not_change(name, setting):
    plain = AugmentSettings(**{setting: 0.2})
    (sentence,) = warnings_of(plain, classes(name, "other"), Task.CLASSIFY)
    assert setting in sentence
    assert without_breaking(plain, classes(name), Task.CLASSIFY) == plain  # large cells are no large images


def test_size_and_quality_are_properties_of_images_not_of_voxels():
    settings = AugmentSettings(scale=0.2, noise_sd=0.1)
    assert warnings_of(settings, classes("small bowel", "motion artefact"), Task.SEGMENT) == ()


@pytest.mark.parametrize("names", [("pneumonia", "normal"), ("spleen",), ("nucleus",), ("brightly", "leftover", "lr")])
def test_names_that_say_nothing_warn_of_nothing(names):
    assert warnings_of(ALL, classes(*names), Task.CLASSIFY) == ()
    assert without_breaking(ALL, classes(*names), Task.CLASSIFY) == ALL


def test_remedy_leaves_no_flip_or_turn_to_warn_of():
    schema = classes("left upper lobe", "AP view")
    for task in Task:
        mended = without_breaking(ALL, schema, task, volumes("SPL"))
        assert warnings_of(mended, schema, task, volumes("SPL")) == ()


def test_planned_recipe_mirrors_no_side_into_the_other_in_use_either():
    recipe = Recipe(
        network=NetworkSpec(target="any"),
        input=volumes("SAR"),
        augment=AugmentSettings(flip_axes=(1, 2)),
        mirror_axes=(0, 2),
    )
    safe = with_safe_flips(recipe, classes("left lung", "right lung"), Task.SEGMENT)
    assert (safe.augment.flip_axes, safe.mirror_axes) == ((1,), (0,))
    assert with_safe_flips(recipe, classes("lung"), Task.SEGMENT) == recipe


def test_every_change_is_on_the_page_about_changes():
    page = (Path(__file__).parents[2] / "docs" / "how-to" / "augment.md").read_text(encoding="utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    for name in AugmentSettings.model_fields:
        assert any(f"`{name}`" in row for row in rows), name
