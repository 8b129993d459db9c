"""No class that wins somewhere in a cell is left out, and most others are."""

from __future__ import annotations

import numpy as np
import pytest

from napari_medclf.engine.restore.candidates import Logits, find_alive, find_pairs, list_alive
from napari_medclf.engine.restore.rank import rank


def _corners(n_classes: int, n_cells: int, spread: float) -> np.ndarray:
    random = np.random.default_rng(5)
    values = random.normal(size=(n_classes, 8, n_cells)) * spread + random.normal(size=(n_classes, 1, n_cells)) * 4
    return values.astype(np.float32)


def _mixtures(n: int) -> np.ndarray:
    return np.random.default_rng(6).dirichlet(np.full(8, 0.4), size=n)


@pytest.mark.parametrize("spread", [0.5, 2.0, 6.0])
def test_every_winner_of_a_mixture_is_alive(spread: float) -> None:
    values = _corners(9, 200, spread)
    alive = find_alive(values, values.argmax(axis=0), slack=0.0)
    mixed = np.einsum("mq,cqn->cmn", _mixtures(400), values)
    winners = mixed.argmax(axis=0)
    assert alive[winners, np.arange(200)].all()
    if spread < 1:
        assert alive.mean() < 0.5


@pytest.mark.parametrize("slack", [0.0, 2.0**-9])
def test_no_third_class_wins_where_two_are_said_to_compete(slack: float) -> None:
    values = _corners(6, 300, 1.5)
    planes = np.ascontiguousarray(values.transpose(0, 2, 1)).reshape(6, 1, 300, 8)
    corner = np.arange(300) * 8 + np.arange(8)[:, None]
    best = values.argmax(axis=0)
    pair = (best.min(axis=0).astype(np.uint8), best.max(axis=0).astype(np.uint8))
    is_pair, low, high = find_pairs(Logits.of(planes), corner, pair, rank(planes), slack=slack)
    assert np.array_equal(low, np.take_along_axis(values, pair[0][None, None].astype(int), axis=0)[0])
    assert np.array_equal(high, np.take_along_axis(values, pair[1][None, None].astype(int), axis=0)[0])
    winners = np.einsum("mq,cqn->cmn", _mixtures(400), values).argmax(axis=0)
    is_one_of_them = (winners == pair[0]) | (winners == pair[1])
    assert is_one_of_them[:, is_pair].all()
    assert 0.2 < is_pair.mean() < 1


def test_equal_classes_stay_so_that_the_first_is_found() -> None:
    values = np.zeros((3, 8, 1), dtype=np.float32)
    assert find_alive(values, values.argmax(axis=0), slack=0.0).all()


def test_classes_are_listed_in_order() -> None:
    alive = np.array([[1, 0, 1], [0, 0, 1], [1, 1, 1]], dtype=bool)
    assert list_alive(alive, np.array([0, 2])).T.tolist() == [[0, 2, 2], [0, 1, 2]]
    assert list_alive(alive, np.array([1])).T.tolist() == [[2]]


def test_logits_of_a_view_are_not_copied() -> None:
    whole = np.arange(2 * 5 * 3 * 4, dtype=np.float32).reshape(2, 5, 3, 4)
    some = Logits.of(whole[:, 1:3])
    assert np.shares_memory(some.line, whole)
    assert some.take(np.array([0, 1]), np.array([5, 0])).tolist() == [whole[0, 1, 1, 1], whole[1, 1, 0, 0]]
