"""Doubt about a whole case: from 0 to 1, whatever the number of classes and the size of the object."""

import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon
from scipy.stats import entropy

from napari_medclf.engine.active.doubt import label_disagreement, map_doubt, score_disagreement, score_entropy


def test_entropy_is_scipys_over_its_largest_value():
    scores = {"a": 0.2, "b": 0.5, "c": 0.3}
    assert score_entropy(scores, is_exclusive=True) == pytest.approx(entropy([0.2, 0.5, 0.3], base=3))
    assert score_entropy({"a": 1.0, "b": 0.0}, is_exclusive=True) == 0


def test_independent_classes_are_doubted_one_by_one():
    assert score_entropy({"a": 1.0, "b": 0.5}, is_exclusive=False) == pytest.approx(0.5)


def test_disagreement_of_two_is_the_jensen_shannon_divergence():
    first, second = {"a": 0.9, "b": 0.1}, {"a": 0.2, "b": 0.8}
    expected = jensenshannon([0.9, 0.1], [0.2, 0.8], base=2) ** 2
    assert score_disagreement([first, second], is_exclusive=True) == pytest.approx(expected)
    assert score_disagreement([{"a": 1.0, "b": 0.0}, {"a": 0.0, "b": 1.0}], is_exclusive=True) == pytest.approx(1)


def test_answers_that_are_unsure_alike_do_not_disagree():
    same = {"a": 0.5, "b": 0.5}
    assert score_disagreement([same, same, same], is_exclusive=True) == pytest.approx(0)
    assert score_entropy(same, is_exclusive=True) == 1


def test_doubt_of_a_map_does_not_depend_on_the_size_of_the_image():
    labels = np.zeros((1, 10, 10), np.uint8)
    values = np.zeros((1, 10, 10), np.float32)
    labels[0, 2:4, 2:4], values[0, 2:4, 2:4] = 1, 0.6
    bigger = [np.pad(one, ((0, 0), (0, 50), (0, 50))) for one in (values, labels)]
    assert map_doubt(values, labels) == pytest.approx(0.6)
    assert map_doubt(*bigger) == pytest.approx(0.6)
    assert map_doubt(values * 0, labels * 0) == 0


def test_what_was_doubted_and_not_labelled_counts():
    values = np.zeros((1, 4, 4), np.float32)
    values[0, 0, :2] = 0.5
    assert map_doubt(values, np.zeros((1, 4, 4), np.uint8)) == pytest.approx(0.5)


def test_labels_that_a_change_moves_disagree():
    labels = np.zeros((1, 4, 6), np.uint8)
    labels[0, :, :2] = 1
    assert label_disagreement([labels, labels]) == 0
    assert label_disagreement([labels, np.roll(labels, 1, axis=2)]) == pytest.approx(0.5)
    numbered = np.where(labels, 7, 0)
    assert label_disagreement([labels, numbered], is_instances=True) == 0
