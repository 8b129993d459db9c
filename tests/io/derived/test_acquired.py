"""Labels on a grid whose gaps were filled come back to the slices that were acquired."""

from pathlib import Path

import numpy as np

from napari_medclf.domain.geometry import Geometry
from napari_medclf.domain.image import Source
from napari_medclf.io.derived.acquired import acquired_positions, planes_of_slices, to_acquired
from napari_medclf.io.derived.source_grid import SourceGrid


def grid(n_planes, acquired_k):
    affine = np.eye(4)
    affine[:3, :3] = [[0, 0, 0.5], [0, 0.75, 0], [2.5, 0, 0]]
    affine[:3, 3] = (-10, 5, 100)
    return SourceGrid(Geometry(affine, (n_planes, 4, 5)), Source(Path(), acquired_k=acquired_k), "gaps")


def planes(n_planes):
    return np.broadcast_to(np.arange(n_planes)[:, None, None], (n_planes, 4, 5))


def test_labels_of_a_series_without_gaps_stay_as_they_are():
    labels = planes(3)
    assert to_acquired(labels, grid(3, ()).source) is labels
    assert planes_of_slices(grid(3, ())).tolist() == [0, 1, 2]


def test_blank_planes_are_left_out_and_stay_blank():
    blank = grid(6, (0.0, 1.0, 3.0, 5.0))
    assert to_acquired(planes(6), blank.source)[:, 0, 0].tolist() == [0, 1, 3, 5]
    assert planes_of_slices(blank).tolist() == [0, 1, -1, 2, -1, 3]


def test_resampled_planes_give_and_take_the_nearest_slice():
    resampled = grid(5, (0.0, 1.7, 4.0))
    assert to_acquired(planes(5), resampled.source)[:, 0, 0].tolist() == [0, 2, 4]
    assert planes_of_slices(resampled).tolist() == [0, 1, 1, 2, 2]


def test_acquired_slices_lie_where_they_were_taken():
    found = acquired_positions(grid(5, (0.0, 1.7, 4.0)))
    np.testing.assert_allclose(found, [(-10, 5, 100), (-10, 5, 104.25), (-10, 5, 110)])
