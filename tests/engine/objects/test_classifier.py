"""A few clicked objects are enough to tell the others."""

from __future__ import annotations

import numpy as np
import pytest

from napari_medclf.domain.errors import GridError, OptionError
from napari_medclf.engine.objects.classifier import ObjectModel, classify_objects
from napari_medclf.engine.objects.describe import ObjectTable


@pytest.fixture
def table():
    """Sixty objects in two clouds that overlap a little; even numbers are of the second."""
    rng = np.random.default_rng(3)
    features = rng.normal(size=(60, 6)).astype(np.float32)
    features[1::2, :2] += 3
    return ObjectTable(np.arange(1, 61) * 2, tuple("abcdef"), features, np.zeros((60, 3)))


def truth(table):
    return np.arange(len(table)) % 2


@pytest.mark.parametrize(("model", "n_shown"), [(ObjectModel.LINEAR, 6), (ObjectModel.FOREST, 20)])
def test_some_examples_tell_most_of_the_others(table, model, n_shown):
    said = {int(table.numbers[row]): ("round", "flat")[row % 2] for row in range(n_shown)}
    answer = classify_objects(table, said, model=model)
    assert answer.classes == ("flat", "round")
    is_right = (answer.decided == 0) == (truth(table) == 1)
    assert is_right[n_shown:].mean() > 0.85
    np.testing.assert_allclose(answer.probabilities.sum(1), 1, rtol=1e-5)


def test_what_a_person_said_stands_against_the_features(table):
    said = {int(table.numbers[row]): ("round", "flat")[row % 2] for row in range(8)}
    wrong = int(table.numbers[10])
    answer = classify_objects(table, said | {wrong: "flat"})
    row = table.row_of(wrong)
    assert answer.classes[answer.decided[row]] == "flat"
    assert not answer.is_unsure[row]


def test_the_next_question_is_about_the_closest_call(table):
    said = {int(table.numbers[row]): ("round", "flat")[row % 2] for row in range(6)}
    answer = classify_objects(table, said)
    row = table.row_of(answer.next_to_ask())
    apart = np.abs(answer.probabilities[:, 0] - 0.5)
    assert apart[row] == pytest.approx(apart[~answer.is_shown].min())


def test_label_map_carries_each_objects_class(table):
    objects = np.zeros((1, 4, 5), dtype=np.int32)
    objects[0, 0, :2], objects[0, 2, 3] = table.numbers[0], table.numbers[1]
    small = ObjectTable(table.numbers[:2], table.names, table.features[:2], table.centres_mm[:2])
    answer = classify_objects(small, {int(small.numbers[0]): "a", int(small.numbers[1]): "b"})
    found = answer.label_map(objects)
    assert found[0, 0, 0] == 1
    assert found[0, 2, 3] == 2
    assert found[0, 3, 0] == 0


def test_one_class_is_not_enough(table):
    with pytest.raises(OptionError, match="two classes"):
        classify_objects(table, {2: "round", 4: "round"})


def test_an_object_that_is_not_there_is_refused(table):
    with pytest.raises(GridError, match="no object 3"):
        classify_objects(table, {2: "round", 3: "flat"})
