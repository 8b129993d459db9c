"""A voxel stays where it is in the patient, whatever is done to its grid."""

from __future__ import annotations

import numpy as np
import pytest

from napari_medclf.domain.errors import GridError
from napari_medclf.domain.geometry import Geometry, Unit
from napari_medclf.testing.phantoms import MARKED_HU, MARKED_VOXEL, oblique_phantom

PERMUTATIONS = [(0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)]
FLIPS = [(False, False, False), (True, False, False), (False, True, True), (True, True, True)]


@pytest.fixture
def oblique():
    return oblique_phantom().geometry


def marked_world(image, geometry, data):
    index = np.argwhere(data == MARKED_HU)[0]
    return geometry.to_world(index.astype(float))


def test_axial_grid_points_to_superior_posterior_left():
    geometry = Geometry.from_spacing((4, 5, 6), (3.0, 2.0, 1.0), origin=(10.0, 20.0, 30.0))
    np.testing.assert_allclose(geometry.to_world(np.array([1.0, 1.0, 1.0])), (11, 22, 33))
    assert geometry.axis_codes == "SPL"
    assert geometry.spacing == (3.0, 2.0, 1.0)


def test_index_and_world_are_inverse(oblique):
    index = np.array([[0.0, 0, 0], [11, 19, 27], [3.25, 14.5, 6.75]])
    np.testing.assert_allclose(oblique.to_index(oblique.to_world(index)), index, atol=1e-9)


@pytest.mark.parametrize("order", PERMUTATIONS)
@pytest.mark.parametrize("flips", FLIPS)
def test_permuted_grid_keeps_the_marked_voxel(order, flips):
    image = oblique_phantom()
    axes = [axis for axis, flip in enumerate(flips) if flip]
    data = np.flip(np.transpose(image.data, order), axes)
    geometry = image.geometry.permuted(order, flips)
    assert geometry.shape == data.shape
    expected = image.geometry.to_world(np.array(MARKED_VOXEL, dtype=float))
    np.testing.assert_allclose(marked_world(image, geometry, data), expected, atol=1e-9)


def test_cropped_grid_keeps_the_marked_voxel():
    image = oblique_phantom()
    geometry = image.geometry.cropped((2, 10, 5), (4, 6, 7))
    data = image.data[2:6, 10:16, 5:12]
    expected = image.geometry.to_world(np.array(MARKED_VOXEL, dtype=float))
    np.testing.assert_allclose(marked_world(image, geometry, data), expected, atol=1e-9)


@pytest.mark.parametrize("shape", [(6, 10, 14), (24, 40, 56), (7, 33, 5)])
def test_resampled_grid_covers_the_same_box(oblique, shape):
    resampled = oblique.resampled(shape)
    for corner in [(0, 0, 0), (1, 0, 1), (1, 1, 1)]:
        outer = np.array([side * n - 0.5 for side, n in zip(corner, oblique.shape, strict=True)])
        again = np.array([side * n - 0.5 for side, n in zip(corner, shape, strict=True)])
        np.testing.assert_allclose(oblique.to_world(outer), resampled.to_world(again), atol=1e-9)


@pytest.mark.parametrize("order", PERMUTATIONS)
def test_nearest_axes_name_each_world_axis_once(oblique, order):
    nearest = oblique.permuted(order, (True, False, True)).nearest_axes
    assert sorted(world for world, _ in nearest) == [0, 1, 2]


def test_axis_codes_follow_the_array(oblique):
    assert oblique.axis_codes == "SPL"
    assert oblique.permuted((2, 0, 1), (False, True, False)).axis_codes == "LIP"


def test_volume_and_area_are_in_millilitres_and_square_millimetres(oblique):
    assert oblique.voxel_volume_ml == pytest.approx(3.5 * 0.75 * 0.5 / 1000)
    assert oblique.pixel_area == pytest.approx(0.75 * 0.5)


def test_gantry_tilt_shows_as_shear():
    affine = Geometry.from_spacing((4, 5, 6), (2.0, 1.0, 1.0)).affine.copy()
    affine[1, 0] = 2.0 * np.tan(np.radians(12))
    tilted = Geometry(affine, (4, 5, 6))
    assert tilted.is_sheared
    assert tilted.shear_deg == pytest.approx(12, abs=0.01)
    assert not oblique_phantom().geometry.is_sheared


def test_flat_picture_is_in_pixels():
    picture = Geometry.flat(20, 30)
    assert picture.is_flat
    assert picture.unit is Unit.PIXEL
    assert picture.shape == (1, 20, 30)


def test_same_grid_sees_a_shift_of_a_hundredth_millimetre(oblique):
    affine = oblique.affine.copy()
    affine[0, 3] += 0.01
    assert not oblique.same_grid(Geometry(affine, oblique.shape))
    assert oblique.same_grid(Geometry(oblique.affine.copy(), oblique.shape))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda g: Geometry(g.affine, (12, 20, 27)), "shape"),
        (lambda g: Geometry(g.affine, g.shape, unit=Unit.PIXEL), "unit"),
        (lambda g: g.resampled((12, 20, 14)).cropped((0, 0, 0), g.shape), "spacing"),
        (lambda g: g.permuted((0, 1, 2), (False, True, False)), "orientation"),
        (lambda g: g.cropped((1, 0, 0), g.shape), "origin is shifted by"),
    ],
)
def test_difference_is_told_in_words(oblique, change, words):
    assert words in oblique.explain_difference(change(oblique))


def test_equal_grids_have_no_difference(oblique):
    assert oblique.explain_difference(oblique) == ""


@pytest.mark.parametrize(
    ("affine", "shape", "words"),
    [
        (np.zeros((4, 4)), (2, 2, 2), "singular"),
        (np.full((4, 4), np.nan), (2, 2, 2), "finite"),
        (np.eye(3), (2, 2, 2), "4 x 4"),
        (np.eye(4), (2, 0, 2), "positive"),
        (np.eye(4), (2, 2), "positive"),
    ],
)
def test_impossible_grid_is_refused(affine, shape, words):
    with pytest.raises(GridError, match=words):
        Geometry(affine, shape)


def test_affine_cannot_be_changed_afterwards(oblique):
    with pytest.raises(ValueError, match="read-only"):
        oblique.affine[0, 0] = 5
