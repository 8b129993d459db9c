"""Agreement of people, against scikit-learn and published numbers."""

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from napari_medclf.engine.metrics.readers import cohen_kappa, dice_of, fleiss_kappa


def test_cohens_kappa_is_that_of_scikit_learn():
    rng = np.random.default_rng(0)
    first = rng.integers(4, size=60)
    second = np.where(rng.random(60) < 0.6, first, rng.integers(4, size=60))
    assert cohen_kappa(first, second, 5) == pytest.approx(cohen_kappa_score(first, second))


def test_kappa_of_one_class_is_not_defined():
    same = np.zeros(5, int)
    assert np.isnan(cohen_kappa(same, same, 2))
    assert np.isnan(fleiss_kappa(np.array([[2, 0], [2, 0]])))
    assert np.isnan(fleiss_kappa(np.array([[1, 0], [0, 1]])))


def test_fleiss_kappa_of_a_worked_example():
    """Fourteen people and ten subjects, as worked through in many textbooks: 0.210."""
    counts = [
        [0, 0, 0, 0, 14],
        [0, 2, 6, 4, 2],
        [0, 0, 3, 5, 6],
        [0, 3, 9, 2, 0],
        [2, 2, 8, 1, 1],
        [7, 7, 0, 0, 0],
        [3, 2, 6, 3, 0],
        [2, 5, 3, 2, 2],
        [6, 5, 2, 1, 0],
        [0, 2, 2, 3, 7],
    ]
    assert fleiss_kappa(np.array(counts)) == pytest.approx(0.210, abs=5e-4)


def test_cases_of_one_reader_do_not_count():
    counts = np.array([[2, 0], [0, 2], [1, 1], [2, 0]])
    assert fleiss_kappa(np.concatenate([counts, [[1, 0]]])) == fleiss_kappa(counts)


def test_two_empty_masks_say_nothing():
    empty, one = np.zeros(4, bool), np.array([True, True, False, False])
    assert np.isnan(dice_of(empty, empty))
    assert dice_of(one, np.array([True, False, False, False])) == pytest.approx(2 / 3)
    assert dice_of(one, empty) == 0
