"""The bundle's configuration: MONAI's own transforms prepare images as this program does."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from napari_medclf.domain.arrays import FloatArray
from napari_medclf.domain.card import ModelCard, Task
from napari_medclf.domain.errors import CardError
from napari_medclf.domain.input_spec import InputSpec, Intensity
from napari_medclf.engine.prepare import prepare
from napari_medclf.io.read import read_image
from napari_medclf.io.write import write_image
from napari_medclf.store.bundle_config import inference_config
from napari_medclf.testing.phantoms import oblique_phantom

RGB = ("red", "green", "blue")
WINDOW = Intensity(kind="window", low=-200, high=300)
CLIP = Intensity(kind="clip", low=-100, high=150)


@pytest.fixture(scope="module")
def volume(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("volume") / "oblique.nii.gz"
    write_image(oblique_phantom(), path)
    return path


@pytest.fixture(scope="module")
def picture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from PIL import Image

    path = tmp_path_factory.mktemp("picture") / "colour.png"
    row, column, channel = np.meshgrid(np.arange(46), np.arange(82), np.arange(3), indexing="ij")
    samples = (120 + 60 * np.sin(row / 9 + channel) + 60 * np.cos(column / 7)).astype(np.uint8)
    Image.fromarray(samples).save(path)
    return path


def _both(card: ModelCard, spec: InputSpec, path: Path) -> tuple[FloatArray, FloatArray]:
    """Prepare a file with MONAI alone, as a user of the bundle would, and with this program."""
    from monai.bundle import ConfigParser

    config = json.loads(json.dumps(inference_config(card.model_copy(update={"input": spec}))))
    theirs = ConfigParser(config).get_parsed_content("preprocessing")({"image": str(path)})["image"]
    ours = prepare(read_image(path), spec).data
    return np.asarray(theirs), ours if spec.spatial_dims == 3 else ours[:, 0]


def _volume_spec(**more: object) -> InputSpec:
    fields = {"spatial_dims": 3, "channels": ("CT",), "intensity": WINDOW, "patch_vox": (8, 8, 8)}
    return InputSpec.model_validate(fields | more)


def _picture_spec(**more: object) -> InputSpec:
    fields = {"spatial_dims": 2, "channels": RGB, "intensity": Intensity(kind="range"), "patch_vox": (8, 8)}
    return InputSpec.model_validate(fields | more)


@pytest.mark.parametrize(
    "spec",
    [
        _volume_spec(),
        _volume_spec(axis_codes="SPL"),
        _volume_spec(axis_codes="LAS", intensity=Intensity(kind="zscore")),
        _volume_spec(axis_codes="SPL", intensity=Intensity(kind="zscore", low=1, high=99)),
        _volume_spec(axis_codes="IPL", intensity=Intensity(kind="percentile", low=1, high=99)),
        _volume_spec(axis_codes="SPL", intensity=Intensity(kind="minmax")),
        _volume_spec(axis_codes="SPL", intensity=Intensity(kind="none")),
        _volume_spec(axis_codes="SPL", intensity=WINDOW.model_copy(update={"is_clipped": False})),
        _volume_spec(axis_codes="SPL", intensity=Intensity(kind="zscore", of="nonzero")),
        _volume_spec(axis_codes="SPL", intensity=CLIP, then=(Intensity(kind="zscore", is_per_channel=False),)),
    ],
    ids=lambda spec: f"{spec.axis_codes}-{spec.intensity.kind}-{spec.intensity.of}-{spec.intensity.is_clipped}",
)
def test_volume_is_turned_and_scaled_alike(card: ModelCard, volume: Path, spec: InputSpec) -> None:
    theirs, ours = _both(card, spec, volume)
    assert theirs.shape == ours.shape
    np.testing.assert_allclose(theirs, ours, atol=1e-3)


def test_volume_is_resampled_onto_the_same_grid(card: ModelCard, tmp_path: Path) -> None:
    phantom = oblique_phantom()
    k, j, i = np.meshgrid(*map(np.arange, phantom.geometry.shape), indexing="ij")
    smooth = 40 * np.sin(k / 3) + 60 * np.cos(j / 6) + 5 * i  # noise would hide what a shifted grid does
    write_image(replace(phantom, data=smooth.astype(np.float32)), tmp_path / "smooth.nii.gz")
    spec = _volume_spec(axis_codes="SPL", spacing_mm=(4.0, 1.0, 1.5))
    theirs, ours = _both(card, spec, tmp_path / "smooth.nii.gz")
    assert theirs.shape == ours.shape
    np.testing.assert_allclose(theirs, ours, atol=0.03)


@pytest.mark.parametrize(
    "spec",
    [
        _picture_spec(),
        _picture_spec(intensity=Intensity(kind="percentile", low=1, high=99)),
        _picture_spec(intensity=Intensity(kind="range", mean=(0.5, 0.4, 0.3), std=(0.2, 0.2, 0.1))),
        _picture_spec(channels=("gray",)),
        _picture_spec(channels=("gray",), resize_to=(12, 16)),
    ],
    ids=["range", "percentile", "standardised", "gray", "resized"],
)
def test_picture_has_rows_first_and_the_same_samples(card: ModelCard, picture: Path, spec: InputSpec) -> None:
    theirs, ours = _both(card, spec, picture)
    assert theirs.shape == ours.shape
    np.testing.assert_allclose(theirs, ours, atol=0.02)


def test_classifier_divides_by_its_temperature(card: ModelCard) -> None:
    output = card.output.model_copy(update={"temperature": 1.5})
    config = inference_config(card.model_copy(update={"task": Task.CLASSIFY, "output": output}))
    assert config["inferer"] == {"_target_": "SimpleInferer"}
    assert any("1.5" in str(step.get("func", "")) for step in config["postprocessing"]["transforms"])


@pytest.mark.parametrize(
    "more",
    [
        {"intensity": Intensity(kind="zscore", of="filled")},
        {"intensity": Intensity(kind="percentile", of="nonzero")},
        {"channel_intensity": (WINDOW,)},
    ],
)
def test_scaling_that_monai_does_not_have_is_refused(card: ModelCard, more: dict[str, object]) -> None:
    with pytest.raises(CardError, match="A MONAI bundle cannot"):
        inference_config(card.model_copy(update={"input": _volume_spec(**more)}))
