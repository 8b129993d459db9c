import itertools

import numpy as np
import pytest

from napari_medclf.bridge.orientation import display_frame, edge_letters, placement
from napari_medclf.domain.geometry import Geometry
from napari_medclf.testing.phantoms import MARKED_HU, MARKED_VOXEL, oblique_phantom


def axis_aligned(order: tuple[int, int, int], signs: tuple[int, int, int]) -> Geometry:
    """A grid whose axes run along LPS axes in any order and direction."""
    affine = np.eye(4)
    affine[:3, :3] = 0
    for axis, (world, sign) in enumerate(zip(order, signs, strict=True)):
        affine[world, axis] = sign * (axis + 1.0)
    affine[:3, 3] = (5.0, -7.0, 11.0)
    return Geometry(affine, (4, 5, 6))


EVERY_ORIENTATION = [
    axis_aligned(order, signs)
    for order in itertools.permutations((0, 1, 2))
    for signs in itertools.product((1, -1), repeat=3)
]


@pytest.mark.parametrize("geometry", EVERY_ORIENTATION, ids=lambda geometry: geometry.axis_codes)
def test_every_orientation_is_shown_inferior_posterior_left_and_comes_home(geometry: Geometry) -> None:
    frame = display_frame(geometry)
    data = np.arange(4 * 5 * 6).reshape(geometry.shape)
    shown = frame.to_display(data)
    assert geometry.permuted(frame.order, frame.flips).axis_codes == "IPL"
    assert np.array_equal(frame.from_display(shown), data)


@pytest.mark.parametrize("geometry", EVERY_ORIENTATION, ids=lambda geometry: geometry.axis_codes)
def test_a_place_in_napari_is_the_same_place_in_the_patient(geometry: Geometry) -> None:
    frame = display_frame(geometry)
    place = placement(geometry, frame)
    data = np.zeros(geometry.shape)
    data[1, 3, 2] = 1
    shown = np.argwhere(frame.to_display(data))[0]
    napari_world = np.asarray(place.translate) + shown * np.asarray(place.scale)
    x, y, z = geometry.to_world(np.array([1, 3, 2]))
    assert napari_world == pytest.approx((-z, y, x))
    assert frame.to_source_index(shown.astype(float), geometry.shape) == pytest.approx((1, 3, 2))
    assert frame.to_display_index((1, 3, 2), geometry.shape) == pytest.approx(shown)


def test_oblique_phantom_keeps_its_marked_voxel_and_positive_steps() -> None:
    image = oblique_phantom()
    frame = display_frame(image.geometry)
    shown = frame.to_display(image.data)
    place = np.argwhere(shown == MARKED_HU)
    assert len(place) == 1
    assert tuple(frame.to_source_index(place[0].astype(float), image.geometry.shape)) == MARKED_VOXEL
    assert min(placement(image.geometry, frame).scale) > 0


def test_sagittal_series_opens_sagittal() -> None:
    sagittal = axis_aligned((0, 1, 2), (1, 1, -1))  # slices run from right to left
    frame = display_frame(sagittal)
    assert frame.dims_order == (2, 0, 1)
    assert edge_letters(frame, frame.dims_order[1:]) == {"right": "P", "left": "A", "bottom": "I", "top": "S"}


def test_axial_series_shows_the_patients_right_on_the_left() -> None:
    frame = display_frame(Geometry.from_spacing((3, 4, 5)))
    assert frame.dims_order == (0, 1, 2)
    assert edge_letters(frame, frame.dims_order[1:]) == {"right": "L", "left": "R", "bottom": "P", "top": "A"}


def test_picture_stays_as_its_file_has_it() -> None:
    frame = display_frame(Geometry.flat(4, 6))
    data = np.arange(24).reshape(1, 4, 6)
    assert np.array_equal(frame.to_display(data), data[0])
    assert np.array_equal(frame.from_display(data[0]), data)
    assert edge_letters(frame, (0, 1)) == {}
