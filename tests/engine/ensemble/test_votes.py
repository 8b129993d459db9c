"""Most members win, and where they differ is told."""

from __future__ import annotations

import numpy as np

from napari_medclf.engine.ensemble.votes import disagreement, vote_labels

_MAPS = [np.array([[row]], np.uint8) for row in ([0, 1, 1, 2], [0, 1, 2, 0], [0, 0, 2, 1])]


def test_label_of_most_members_wins_and_the_first_value_breaks_ties() -> None:
    answer = vote_labels(_MAPS, (1.0, 1.0, 1.0), (0, 1, 2))
    assert answer.tolist() == [[[0, 1, 2, 0]]]
    assert answer.dtype == np.uint8


def test_weights_decide() -> None:
    assert vote_labels(_MAPS, (5.0, 1.0, 1.0), (0, 1, 2)).tolist() == _MAPS[0].tolist()


def test_disagreement_is_the_part_of_members_that_say_otherwise() -> None:
    answer = vote_labels(_MAPS, (1.0, 1.0, 1.0), (0, 1, 2))
    np.testing.assert_allclose(disagreement(_MAPS, answer), [[[0, 1 / 3, 1 / 3, 2 / 3]]], rtol=1e-6)


def test_many_random_members_agree_with_a_plain_count() -> None:
    maps = list(np.random.default_rng(5).integers(0, 4, (11, 5, 6, 7)).astype(np.uint8))
    counts = np.stack([(np.stack(maps) == value).sum(axis=0) for value in range(4)])
    np.testing.assert_array_equal(vote_labels(maps, [1.0] * 11, range(4)), counts.argmax(axis=0))
