"""A case's neighbours are those of all pairs, also where there are too many cases to compare with all."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from napari_medclf.engine.triage.neighbours import neighbour_distance, usual_among_neighbours


@pytest.mark.parametrize(("part", "nearest"), [(0.1, 4), (0.2, 8)])
def test_neighbour_distance_is_that_of_all_pairs(part: float, nearest: int) -> None:
    table = np.random.default_rng(0).normal(0, 1, (40, 5))
    pairs = cdist(table, table) / np.sqrt(5)
    np.fill_diagonal(pairs, np.inf)
    np.testing.assert_allclose(neighbour_distance(table, part), np.sort(pairs, axis=1)[:, nearest - 1], rtol=1e-6)


def test_many_cases_are_compared_with_some_and_never_with_themselves() -> None:
    table = np.random.default_rng(0).normal(0, 1, (2500, 3))
    table[1234] = 7.0
    found = neighbour_distance(table, n_most=200)
    assert found.argmax() == 1234
    assert found.min() > 0


def test_usual_number_is_that_of_the_cases_alike() -> None:
    drawn = np.random.default_rng(0)
    table = np.concatenate([drawn.normal(0, 1, (30, 4)), drawn.normal(20, 1, (10, 4))])
    numbers = np.concatenate([drawn.normal(1.8, 0.1, (30, 1)), drawn.normal(0.6, 0.1, (10, 1))])
    numbers[3] = np.nan
    found = usual_among_neighbours(table, numbers)
    np.testing.assert_allclose(found[:30], 1.8, atol=0.15)
    np.testing.assert_allclose(found[30:], 0.6, atol=0.15)
    many = usual_among_neighbours(np.tile(table, (60, 1)), np.tile(numbers, (60, 1)), n_most=400)
    assert many.shape == (2400, 1)
    np.testing.assert_allclose(many[30:40], 0.6, atol=0.15)


def test_fewer_than_five_cases_have_no_neighbours() -> None:
    assert np.isnan(neighbour_distance(np.zeros((4, 3)))).all()
    assert np.isnan(usual_among_neighbours(np.zeros((4, 3)), np.zeros((4, 2)))).all()
