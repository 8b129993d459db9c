"""Polygons cover the pixels whose centres they hold, by the count of scikit-image as well."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.draw import polygon2mask

from napari_medclf.io.derived.rtstruct import contour_raster
from napari_medclf.io.derived.rtstruct.contour_raster import fill_polygons

SHAPE = (17, 23)


def _star(generator, n_corners, centre=(8.0, 11.0), radius=9.0):
    angles = np.sort(generator.uniform(0, 2 * np.pi, n_corners))
    radii = generator.uniform(0.2 * radius, radius, n_corners)
    return np.stack([centre[0] + radii * np.sin(angles), centre[1] + radii * np.cos(angles)], axis=1)


def _distance(polygon, centre):
    along = np.roll(polygon, -1, axis=0) - polygon
    part = np.clip(((centre - polygon) * along).sum(axis=1) / np.maximum((along**2).sum(axis=1), 1e-12), 0, 1)
    return np.linalg.norm(centre - polygon - part[:, None] * along, axis=1).min()


@pytest.mark.parametrize("seed", range(30))
def test_any_outline_covers_what_scikit_image_says(seed, monkeypatch):
    monkeypatch.setattr(contour_raster, "ON_OUTLINE_PX", 1e-9)  # scikit-image allows for no rounding
    polygon = _star(np.random.default_rng(seed), 3 + seed)
    assert np.array_equal(fill_polygons([polygon], SHAPE), polygon2mask(SHAPE, polygon))


@pytest.mark.parametrize("seed", range(30))
def test_an_outline_through_centres_covers_them_as_in_scikit_image(seed):
    polygon = np.rint(_star(np.random.default_rng(seed), 4 + seed))
    ours, theirs = fill_polygons([polygon], SHAPE), polygon2mask(SHAPE, polygon)
    assert not (theirs & ~ours).any()
    # scikit-image misses some centres on the outline of a polygon that touches itself
    assert all(_distance(polygon, centre) == 0 for centre in np.argwhere(ours & ~theirs))


@pytest.mark.parametrize("seed", range(10))
def test_crossing_outlines_cover_by_the_even_odd_rule(seed, monkeypatch):
    monkeypatch.setattr(contour_raster, "ON_OUTLINE_PX", 1e-9)
    polygon = np.random.default_rng(seed).uniform(-4, 24, (9, 2))
    assert np.array_equal(fill_polygons([polygon], SHAPE), polygon2mask(SHAPE, polygon))


def test_rounding_to_thousandths_does_not_fray_an_outline():
    square = np.array([[2.0, 3], [2, 9], [8, 9], [8, 3]])
    frayed = square + np.array([[4e-4, -3e-4], [-5e-4, -4e-4], [-2e-4, 4e-4], [3e-4, 2e-4]])
    filled = fill_polygons([frayed], SHAPE)
    assert np.array_equal(filled, fill_polygons([square], SHAPE))
    assert filled.sum() == 49


def test_a_polygon_within_another_is_a_hole():
    outer = np.array([[1.5, 1.5], [1.5, 11.5], [9.5, 11.5], [9.5, 1.5]])
    inner = np.array([[3.5, 4.5], [3.5, 6.5], [7.5, 6.5], [7.5, 4.5]])
    filled = fill_polygons([outer, inner], SHAPE)
    assert filled.sum() == 8 * 10 - 4 * 2
    assert filled[5, 4]
    assert not filled[5, 5]


def test_the_rim_of_a_hole_drawn_through_centres_stays():
    ring = np.zeros(SHAPE, dtype=bool)
    ring[2:9, 3:12] = True
    ring[4:7, 6:9] = False
    outer = np.array([[2.0, 3], [2, 11], [8, 11], [8, 3]])
    rim_of_hole = np.array([[3.0, 5], [3, 9], [7, 9], [7, 5]])  # as OpenCV's findContours draws it
    assert np.array_equal(fill_polygons([outer, rim_of_hole], SHAPE), ring)


def test_a_keyhole_leaves_no_trace_of_its_channel():
    keyhole = [[1.5, 1.5], [1.5, 11.5], [9.5, 11.5], [9.5, 1.5], [5.5, 1.5], [5.5, 4.5]]
    keyhole += [[7.5, 4.5], [7.5, 6.5], [3.5, 6.5], [3.5, 4.5], [5.5, 4.5], [5.5, 1.5]]
    filled = fill_polygons([np.array(keyhole)], SHAPE)
    assert filled.sum() == 8 * 10 - 4 * 2


def test_a_keyhole_whose_channel_runs_through_centres_leaves_no_trace():
    keyhole = [[1.5, 1.5], [1.5, 11.5], [9.5, 11.5], [9.5, 1.5], [5, 1.5], [5, 4.5]]
    keyhole += [[7.5, 4.5], [7.5, 6.5], [3.5, 6.5], [3.5, 4.5], [5, 4.5], [5, 1.5]]
    assert fill_polygons([np.array(keyhole)], SHAPE).sum() == 8 * 10 - 4 * 2


def test_what_reaches_outside_is_cut_off():
    assert fill_polygons([np.array([[-50.0, -9], [-50, 4.2], [80, 4.2], [80, -9]])], SHAPE)[:, :5].all()
    assert fill_polygons([np.array([[-50.0, -9], [-50, 4.2], [80, 4.2], [80, -9]])], SHAPE).sum() == 17 * 5
    assert not fill_polygons([np.array([[30.0, 30], [30, 40], [40, 40]])], SHAPE).any()
    assert not fill_polygons([np.array([[3.0, -1e300], [5, -1e300], [5, -9]])], SHAPE).any()


def test_long_outlines_are_counted_in_parts_to_the_same_end(monkeypatch):
    polygon = _star(np.random.default_rng(1), 40)
    whole = fill_polygons([polygon], SHAPE)
    monkeypatch.setattr(contour_raster, "_CROSSINGS_AT_ONCE", 7)
    assert np.array_equal(fill_polygons([polygon], SHAPE), whole)
