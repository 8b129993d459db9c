import numpy as np
import pytest

from napari_medclf.bridge.overlap import apart_sentence, shown_apart_mm
from napari_medclf.domain.geometry import Geometry
from napari_medclf.testing.phantoms import oblique_phantom

OBLIQUE = oblique_phantom().geometry
AXIAL = Geometry.from_spacing((12, 20, 28), (2.5, 0.7, 0.6), origin=(-8.0, -7.0, 3.0))


def turned(geometry: Geometry, degrees: float) -> Geometry:
    """Turn a grid about its first voxel, in the axial plane."""
    turn, affine = np.eye(3), geometry.affine.copy()
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    turn[:2, :2] = [[c, -s], [s, c]]
    affine[:3, :3] = turn @ affine[:3, :3]
    return Geometry(affine, geometry.shape)


def test_volumes_along_the_patient_s_axes_lie_on_each_other() -> None:
    sagittal = Geometry(AXIAL.permuted((2, 0, 1), (True, False, True)).affine, (28, 12, 20))
    assert shown_apart_mm(AXIAL, sagittal) < 1e-9
    assert shown_apart_mm(AXIAL, AXIAL.cropped((2, 3, 4), (5, 6, 7))) < 1e-9


def test_a_grid_lies_on_itself_also_where_it_is_oblique() -> None:
    assert shown_apart_mm(OBLIQUE, OBLIQUE) < 1e-9


def test_a_turn_of_ten_degrees_is_told_in_millimetres() -> None:
    corner = np.hypot(19 * 0.7, 27 * 0.6)  # the voxel farthest from the one that was turned about
    expected = 2 * corner * np.sin(np.radians(5))
    assert shown_apart_mm(AXIAL, turned(AXIAL, 10.0)) == pytest.approx(expected, rel=0.05)
    sentence = apart_sentence("T1", turned(AXIAL, 10.0), [("CT", AXIAL)])
    assert "T1 and CT are turned differently" in sentence
    assert f"{expected:.0f} mm" in sentence


def test_nothing_is_said_of_pictures_and_of_what_fits() -> None:
    assert apart_sentence("a", AXIAL, [("b", AXIAL), ("picture", Geometry.flat(5, 6))]) == ""
