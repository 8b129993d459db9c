from __future__ import annotations

import pytest

from napari_medclf.domain.errors import OptionError
from napari_medclf.domain.input_spec import InputSpec, Intensity
from napari_medclf.domain.model_steps import with_steps
from napari_medclf.domain.preprocess_step import PreprocessStep

VOLUMES = InputSpec(spatial_dims=3, channels=("CT",), intensity=Intensity(kind="zscore"), patch_vox=(32, 32, 32))
PICTURES = InputSpec(
    spatial_dims=2, channels=("gray",), intensity=Intensity(kind="range"), patch_vox=(64, 64), resize_to=(64, 64)
)


def steps(*texts: str) -> list[PreprocessStep]:
    return [PreprocessStep.parse(text) for text in texts]


def test_each_step_goes_where_a_model_has_its_place():
    spec = with_steps(VOLUMES, steps("crop-body", "median", "resample:spacing_mm=3x1x1", "window:low=-160:high=240"))
    assert [step.name for step in spec.steps] == ["crop-body", "median"]
    assert spec.spacing_mm == (3, 1, 1)
    assert spec.intensity == Intensity(kind="window", low=-160, high=240)
    assert spec.patch_vox == VOLUMES.patch_vox


def test_scaling_before_other_steps_stays_a_step():
    spec = with_steps(PICTURES, steps("percentile", "clahe", "resize:size_vox=28"))
    assert [step.name for step in spec.steps] == ["percentile", "clahe"]
    assert spec.intensity == PICTURES.intensity
    assert spec.resize_to == spec.patch_vox == (28, 28)


def test_no_steps_change_nothing():
    assert with_steps(VOLUMES, ()) == VOLUMES


@pytest.mark.parametrize(
    ("spec", "texts", "sentence"),
    [
        (VOLUMES, ("resample:spacing_mm=1", "median"), "come after these steps"),
        (VOLUMES, ("resize:size_vox=28",), "use resample in place of resize"),
        (VOLUMES, ("pad",), "leave the step pad out"),
    ],
)
def test_what_has_no_place_in_a_model_is_refused(spec, texts, sentence):
    with pytest.raises(OptionError, match=sentence):
        with_steps(spec, steps(*texts))
