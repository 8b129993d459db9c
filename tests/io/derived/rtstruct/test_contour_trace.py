"""A mask comes back from its outlines pixel for pixel, by three rules of filling."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import binary_fill_holes, gaussian_filter, label
from skimage.draw import polygon2mask

from napari_medclf.io.derived.rtstruct.contour_raster import fill_polygons
from napari_medclf.io.derived.rtstruct.contour_trace import trace_mask

SHAPE = (31, 43)


def _blobs(seed, smoothness, share=0.5):
    noise = gaussian_filter(np.random.default_rng(seed).standard_normal(SHAPE), smoothness)
    return noise > np.quantile(noise, share)


def _as_text(picture):
    return np.array([[mark == "#" for mark in row] for row in picture.split()])


SHAPES = {
    "one pixel": "....\n..#.\n....",
    "the whole image": "###\n###",
    "corner to corner": "#..\n.#.\n..#",
    "corner to corner the other way": "..#\n.#.\n#..",
    "a hole": "#####\n#...#\n#.###\n#####",
    "a hole that touches the outside at a corner": "###.\n#.#.\n##..\n....",
    "two holes that touch": "#####\n#.###\n##.##\n#####",
    "an island in a hole": "#######\n#.....#\n#.###.#\n#.#.#.#\n#.###.#\n#.....#\n#######",
    "a checkerboard": "#.#.#\n.#.#.\n#.#.#",
    "holes behind each other": "#########\n#.#.#.#.#\n#########\n##.###.##\n#########",
    "islands at the edges": "#..#\n....\n#..#",
    "nothing": "...\n...",
}


@pytest.mark.parametrize("picture", SHAPES.values(), ids=SHAPES)
def test_odd_shapes_come_back(picture):
    mask = _as_text(picture)
    assert np.array_equal(fill_polygons(trace_mask(mask), mask.shape), mask)


@pytest.mark.parametrize("smoothness", [0, 0.6, 1.2, 3])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("seed", range(4))
def test_random_masks_come_back(seed, smoothness, share):
    mask = _blobs(seed, smoothness, share)
    polygons = trace_mask(mask)
    assert np.array_equal(fill_polygons(polygons, SHAPE), mask)


@pytest.mark.parametrize("seed", range(6))
def test_masks_come_back_from_readers_that_unite_contours_and_that_combine_them_by_xor(seed):
    mask = _blobs(seed, 0.8, 0.4)
    united, combined = np.zeros(SHAPE, dtype=bool), np.zeros(SHAPE, dtype=bool)
    for polygon in trace_mask(mask):
        one = polygon2mask(SHAPE, polygon)
        united |= one
        combined ^= one
    assert np.array_equal(united, mask)
    assert np.array_equal(combined, mask)


@pytest.mark.parametrize("seed", range(4))
def test_there_is_one_polygon_a_part(seed):
    mask = _blobs(seed, 1.0)
    assert len(trace_mask(mask)) == label(mask)[1]


def test_corners_lie_between_the_centres_and_only_where_the_outline_turns():
    (square,) = trace_mask(_as_text("....\n.##.\n.##.\n...."))
    assert sorted(map(tuple, square.tolist())) == [(0.5, 0.5), (0.5, 2.5), (2.5, 0.5), (2.5, 2.5)]


def test_a_hole_costs_one_channel_there_and_back():
    (ring,) = trace_mask(_as_text("####\n#..#\n####"))
    assert len(ring) == 4 + 3 + 3  # the channel runs straight into one corner of the hole
    assert fill_polygons([ring], (3, 4)).sum() == binary_fill_holes(_as_text("####\n#..#\n####")).sum() - 2
