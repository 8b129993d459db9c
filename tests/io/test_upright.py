"""Each plane is turned so that the patient lies as radiologists expect."""

import numpy as np
import pytest

from napari_medclf.domain.geometry import Geometry
from napari_medclf.io.upright import turn_slice


def world_axis(points_to):
    axis = next(n for n, pair in enumerate(("LR", "PA", "SI")) if points_to in pair)
    return np.eye(3)[axis] * (1 if points_to in "LPS" else -1)


@pytest.mark.parametrize(
    ("codes", "shape", "seen"),
    [
        ("SPL", (10, 20), (1, 3)),  # an axial slice of DICOM: as it is
        ("SAR", (10, 20), (8, 16)),  # of a NIfTI turned about: Anterior and Right come to the top left
        ("SLP", (20, 10), (3, 1)),  # rows and columns change places
        ("AIL", (10, 20), (1, 3)),  # coronal
        ("LSP", (10, 20), (8, 3)),  # sagittal, Inferior first
        ("LPI", (20, 10), (3, 1)),  # sagittal, lying
    ],
)
def test_marked_pixel_comes_where_the_patient_has_it(codes, shape, seen):
    affine = np.eye(4)
    affine[:3, :3] = np.array([world_axis(code) for code in codes]).T
    geometry = Geometry(affine, (2, 10, 20))
    assert geometry.axis_codes == codes
    plane = np.zeros((10, 20, 3), np.uint8)
    plane[1, 3] = 7
    turned = turn_slice(plane, geometry)
    assert turned.shape == (*shape, 3)
    assert np.argwhere(turned[..., 0]).tolist() == [list(seen)]
    assert turn_slice(plane, Geometry(affine, (1, 10, 20))) is plane
