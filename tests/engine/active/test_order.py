"""Orders of cases, against brute force on small sets."""

from itertools import combinations

import numpy as np
import pytest

from napari_medclf.engine.active.order import core_set, expected_gain, most_unsure, standardised


@pytest.fixture
def table():
    return np.random.default_rng(3).normal(size=(14, 3))


def test_most_unsure_open_case_comes_first_and_equal_ones_keep_their_order():
    doubt = np.array([0.2, 0.9, 0.5, 0.5, 1.0])
    is_open = np.array([True, True, True, True, False])
    assert most_unsure(doubt, is_open).tolist() == [1, 2, 3, 0]


def test_next_of_a_core_set_is_the_farthest_from_all_before(table):
    is_open = np.ones(14, bool)
    is_open[[2, 5]] = False
    rows = standardised(table)
    order = core_set(table, is_open)
    assert sorted(order) == np.flatnonzero(is_open).tolist()
    seen = [2, 5]
    for pick in order:
        left = [number for number in range(14) if number not in seen]
        nearest = [min(np.linalg.norm(rows[n] - rows[m]) for m in seen) for n in left]
        assert pick == left[int(np.argmax(nearest))]
        seen.append(pick)


def test_core_set_covers_within_twice_the_best_radius(table):
    rows = standardised(table)
    order = core_set(table, np.ones(14, bool))

    def radius(centres):
        return max(min(np.linalg.norm(row - rows[c]) for c in centres) for row in rows)

    best = min(radius(chosen) for chosen in combinations(range(14), 3))
    assert radius(order[:3]) <= 2 * best


def test_core_set_takes_one_of_each_clump_before_a_second_of_any():
    clumps = np.repeat(np.array([[0.0, 0.0], [9.0, 0.0], [0.0, 9.0], [9.0, 9.0]]), 5, axis=0)
    table = clumps + np.random.default_rng(0).normal(scale=0.1, size=clumps.shape)
    order = core_set(table, np.ones(20, bool))
    assert sorted(order[:4] // 5) == [0, 1, 2, 3]


def test_gain_begins_in_the_larger_crowd_and_goes_on_in_the_other():
    rng = np.random.default_rng(1)
    table = np.concatenate([rng.normal(scale=0.2, size=(12, 2)), rng.normal(9, 0.2, size=(7, 2))])
    doubt = np.full(19, 0.8)
    order, gain = expected_gain(table, doubt, np.ones(19, bool))
    assert order[0] < 12 <= order[1]
    assert (np.diff(gain) <= 1e-9).all()
    doubt[:12] = 0.1
    assert expected_gain(table, doubt, np.ones(19, bool))[0][0] >= 12, "a sure crowd teaches little"


def test_what_answered_cases_settled_is_not_gained_again():
    table = np.array([[0.0], [0.01], [5.0], [5.01], [9.0], [-7.0]])
    doubt = np.ones(6)
    is_open = np.array([False, True, True, True, True, True])
    order, _ = expected_gain(table, doubt, is_open)
    assert 1 in order[-2:], "it is like the answered one"


def test_beyond_what_anybody_works_through_the_rest_follows_whole(table):
    is_open = np.ones(14, bool)
    is_open[3] = False
    doubt = np.random.default_rng(0).random(14)
    for n_most in (0, 1, 4):
        order, gain = expected_gain(table, doubt, is_open, n_most)
        assert sorted(order) == np.flatnonzero(is_open).tolist()
        assert order[:n_most].tolist() == expected_gain(table, doubt, is_open)[0][:n_most].tolist()
        assert (np.diff(gain) <= 1e-9).all()
        assert sorted(core_set(table, is_open, n_most)) == np.flatnonzero(is_open).tolist()


def test_sure_cases_gain_nothing(table):
    _, gain = expected_gain(table, np.zeros(14), np.ones(14, bool))
    assert gain.max() == 0
