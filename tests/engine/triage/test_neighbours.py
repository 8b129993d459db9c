"""A case's neighbours are those of all pairs, also where there are too many cases to compare with all."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from napari_medclf.engine.triage.neighbours import neighbour_distance


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


def test_fewer_than_five_cases_have_no_neighbours() -> None:
    assert np.isnan(neighbour_distance(np.zeros((4, 3)))).all()
