"""Steps in `prepare`: what a network sees, and where its answer lands."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.ndimage import median_filter

from napari_medclf.domain.errors import CardError
from napari_medclf.domain.geometry import Geometry
from napari_medclf.domain.image import ChannelKind, MedImage, Scale
from napari_medclf.domain.input_spec import InputSpec, Intensity
from napari_medclf.engine.prepare import prepare
from napari_medclf.testing.phantoms import oblique_phantom


def spec(*steps: str, **changes: Any) -> InputSpec:
    given: dict[str, Any] = {
        "spatial_dims": 3, "channels": ("gray",), "intensity": Intensity(kind="none"), "patch_vox": (16, 16, 16),
    }  # fmt: skip
    return InputSpec(**{**given, **changes}, steps=steps)


def body() -> MedImage:
    """A lop-sided bright block with a marked voxel, in an oblique dark volume."""
    image = oblique_phantom()
    data = np.full(image.data.shape, -1000, np.int16)
    data[3:9, 5:14, 8:21] = 40
    data[7, 6, 19] = 900
    return replace(image, data=data, scale=Scale.HU)


def test_crop_is_part_of_the_way_home():
    image = body()
    prepared = prepare(image, spec("crop-body:margin_vox=1"))
    assert prepared.data.shape == (1, 8, 11, 15)
    marked = np.argwhere(prepared.data[0] == 900)[0]
    np.testing.assert_allclose(prepared.grid.model.to_world(marked), image.geometry.to_world(np.array([7, 6, 19])))
    home = prepared.grid.restore(prepared.data)
    assert home.shape[1:] == image.geometry.shape
    assert home[0, 7, 6, 19] == 900
    assert not home[0, 0].any()  # outside of the crop is background
    labels = (image.data > 0).astype(np.uint8)
    assert np.array_equal(prepared.grid.restore_labels(prepared.grid.forward_labels(labels)), labels)


@pytest.mark.parametrize("axis_codes", ["SPL", "LAI", "PRS"])
def test_crop_then_turn_and_resample_keep_the_voxels_place(axis_codes):
    image = body()
    wanted = spec("crop-body:margin_vox=2", axis_codes=axis_codes, spacing_mm=(0.7, 0.9, 0.5), resampling="linear")
    prepared = prepare(image, wanted)
    brightest = np.argwhere(prepared.data[0] == prepared.data[0].max())[0]
    miss_mm = prepared.grid.model.to_world(brightest) - image.geometry.to_world(np.array([7, 6, 19]))
    assert np.linalg.norm(miss_mm) < np.linalg.norm(image.geometry.spacing) / 2
    home = prepared.grid.restore(prepared.data)[0]
    assert np.unravel_index(home.argmax(), home.shape) == (7, 6, 19)


def test_two_crops_and_the_cards_own_add_up():
    image = body()
    once = prepare(image, spec("crop-foreground:margin_vox=0")).grid
    many = prepare(image, spec("crop-body:margin_vox=4", "crop-foreground:margin_vox=0", crop="square")).grid
    assert once.crop == ((3, 9), (5, 14), (8, 21))
    assert many.crop == ((3, 9), (5, 14), (10, 19))
    assert many.source.same_grid(image.geometry)


def test_steps_run_before_the_cards_intensity_in_their_order():
    image = body()
    window = Intensity(kind="window", low=-1000, high=1000)
    prepared = prepare(image, spec("median", "invert", intensity=window))
    spacing = np.array(image.geometry.spacing)
    size = 2 * np.rint(spacing.min() / spacing).astype(int) + 1
    smooth = median_filter(image.data.astype(np.float32), size=tuple(size), mode="nearest")
    expected = (smooth.min() + smooth.max() - smooth + 1000) / 2000
    np.testing.assert_allclose(prepared.data[0], np.clip(expected, 0, 1), atol=1e-6)


def test_range_of_a_byte_picture_is_that_of_its_file_after_steps():
    picture = MedImage(np.full((1, 9, 12), 51, np.uint8), Geometry.flat(9, 12), "picture")
    given = {"spatial_dims": 2, "patch_vox": (8, 8), "intensity": Intensity(kind="range")}
    np.testing.assert_allclose(prepare(picture, spec("median", **given)).data, 51 / 255)


def test_two_dimensional_network_has_its_slices_treated_apart():
    data = np.zeros((3, 12, 16), np.float32)
    data[1] = 100.0
    image = MedImage(data, Geometry.from_spacing((3, 12, 16), (1.0, 1.0, 1.0)), "stack")
    apart = prepare(image, spec("gaussian:sd_vox=2", spatial_dims=2, patch_vox=(8, 8)))
    np.testing.assert_allclose(apart.data[0], data, atol=1e-4)
    together = prepare(image, spec("gaussian:sd_vox=2"))
    assert together.data[0, 0].mean() > 10


def test_gray_is_made_of_colour_first_and_what_is_no_number_is_filled_in():
    colour = np.random.default_rng(0).random((3, 1, 9, 12)).astype(np.float32)
    colour[1, 0, 4, 5] = np.nan
    picture = MedImage(colour, Geometry.flat(9, 12), "picture", channel_kind=ChannelKind.COLOUR)
    prepared = prepare(picture, spec("median", spatial_dims=2, patch_vox=(8, 8)))
    assert prepared.data.shape == (1, 1, 9, 12)
    assert np.isfinite(prepared.data).all()
    assert len(prepared.warnings) == 2


def test_step_that_does_not_fit_is_refused():
    with pytest.raises(CardError, match="crop-body needs a CT"):
        prepare(replace(body(), data=body().data + 1000, scale=Scale.RAW), spec("crop-body"))


def test_image_itself_is_left_alone():
    image = body()
    before = np.array(image.data)
    prepare(image, spec("median", "invert", "crop-foreground"))
    np.testing.assert_array_equal(image.data, before)
