from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from napari_medclf.domain.errors import OptionError
from napari_medclf.domain.input_spec import InputSpec, Intensity
from napari_medclf.domain.preprocess_step import PreprocessStep
from napari_medclf.domain.step_kinds import STEP_KINDS, StepGroup


@pytest.mark.parametrize(
    "text",
    ["equalise", "median:radius_vox=2", "clahe:tiles=4:clip=0.02", "resample:spacing_mm=3x1x1", "resize:size_vox=28"],
)
def test_a_step_reads_what_it_writes(text):
    step = PreprocessStep.parse(text)
    assert step.text == text
    assert PreprocessStep.parse(step.text) == step
    assert PreprocessStep.model_validate_json(step.model_dump_json()) == step


def test_defaults_are_stored_so_that_a_model_keeps_them():
    assert PreprocessStep(name="median").values == {"radius_vox": 1.0}
    assert PreprocessStep.parse("clahe:clip=0.02").values == {"tiles": 8.0, "clip": 0.02}
    assert PreprocessStep.model_validate("median:radius_vox=3").number("radius_vox") == 3


def test_every_kind_says_what_it_does_and_its_defaults_are_within_its_limits():
    for kind in STEP_KINDS.values():
        assert kind.summary
        for one in kind.parameters:
            assert one.help
            assert one.default is None or one.minimum <= one.default <= one.maximum


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("medain", "Did you mean 'median'"),
        ("median:radius=2", "Did you mean 'radius_vox'"),
        ("median:radius_vox=1.5", "whole number"),
        ("median:radius_vox=50", "from 1 to 10"),
        ("median:radius_vox=two", "no number"),
        ("median:2", "write name=number"),
        ("median:radius_vox=1x1", "takes one number"),
        ("window", "needs a number: low"),
        ("window:low=100:high=-100", "leaves nothing"),
    ],
)
def test_what_is_wrong_with_a_step_is_said_in_a_sentence(text, sentence):
    with pytest.raises(OptionError, match=sentence):
        PreprocessStep.parse(text)


def test_a_stored_step_with_an_unknown_name_is_refused():
    with pytest.raises(ValidationError, match="There is no step 'sharpen'"):
        PreprocessStep.model_validate({"name": "sharpen"})


def test_one_number_holds_for_all_axes_and_another_count_is_refused():
    assert PreprocessStep.parse("resample:spacing_mm=2").numbers("spacing_mm", 3) == (2, 2, 2)
    with pytest.raises(OptionError, match="2 numbers as spacing_mm for an image of 3 axes"):
        PreprocessStep.parse("resample:spacing_mm=2x1").numbers("spacing_mm", 3)


def test_a_models_grid_is_no_step():
    fields = {"spatial_dims": 2, "channels": ("gray",), "intensity": Intensity(kind="range"), "patch_vox": (32, 32)}
    spec = InputSpec(**fields, steps=("median", "crop-foreground:margin_vox=2"))
    assert [step.kind.group for step in spec.steps] == [StepGroup.DENOISE, StepGroup.CROP]
    assert InputSpec.model_validate_json(spec.model_dump_json()) == spec
    with pytest.raises(ValidationError, match="resample is no step of a model"):
        InputSpec(**fields, steps=("resample:spacing_mm=1",))


def test_every_step_with_its_defaults_is_on_the_page_about_steps():
    page = (Path(__file__).parents[2] / "docs" / "how-to" / "preprocess.md").read_text(encoding="utf-8")
    for kind in STEP_KINDS.values():
        (row,) = (line for line in page.splitlines() if line.startswith(f"| `{kind.name}` |"))
        for one in kind.parameters:
            said = f"`{one.name}`" if one.default is None else f"`{one.name}` {one.default:g}"
            assert said in row
