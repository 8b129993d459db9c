from __future__ import annotations

import numpy as np
import pytest

from napari_medclf.domain.geometry import Geometry
from napari_medclf.domain.image import ChannelKind, MedImage
from napari_medclf.domain.input_spec import InputSpec, Intensity
from napari_medclf.domain.recipe import AugmentSettings
from napari_medclf.engine.augment.preview import preview
from napari_medclf.testing.phantoms import oblique_phantom

TURNED = AugmentSettings(rotate_deg=20, noise_sd=0.1)


def picture(rows: int, columns: int) -> MedImage:
    data = np.random.default_rng(0).integers(0, 255, (3, 1, rows, columns), np.uint8)
    return MedImage(data, Geometry.flat(rows, columns), "picture", channel_kind=ChannelKind.COLOUR)


@pytest.mark.parametrize("image", [picture(20, 28), oblique_phantom()], ids=["picture", "volume"])
def test_first_is_the_image_as_prepared_and_the_others_differ(image):
    before, *changed = preview(image, TURNED, 0, n=3)
    assert len(changed) == 3
    assert before.geometry.same_grid(image.geometry)
    for number, one in enumerate(changed):
        assert one.data.shape == before.data.shape == image.data.shape
        assert one.window == before.window
        assert not any(np.array_equal(one.data, other.data) for other in [before, *changed[:number]])


def test_same_seed_gives_the_same_changes():
    for first, again in zip(*(preview(oblique_phantom(), TURNED, 7, n=2) for _ in range(2)), strict=True):
        np.testing.assert_array_equal(first.data, again.data)


def test_no_change_leaves_the_image_as_it_was_prepared():
    before, changed = preview(picture(20, 28), AugmentSettings(), 0, n=1)
    np.testing.assert_allclose(before.data, changed.data, atol=1e-4)


def test_large_image_is_shown_around_its_middle_and_lies_there():
    image = picture(1500, 40)
    before = preview(image, AugmentSettings(), 0, n=1)[0]
    assert before.data.shape == (3, 1, 1024, 40)
    assert np.allclose(before.geometry.to_world(np.zeros(3)), image.geometry.to_world(np.array([0, 238, 0])))


def test_recipe_for_slices_shows_one_of_a_volume():
    spec = InputSpec(
        spatial_dims=2, channels=("gray",), intensity=Intensity(kind="zscore"), patch_vox=(16, 16), steps=("median",)
    )
    image = oblique_phantom()
    assert preview(image, TURNED, 0, n=1, spec=spec)[1].data.shape == (1, *image.data.shape[1:])
