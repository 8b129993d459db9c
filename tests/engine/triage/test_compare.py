"""Distances of cases are those of plain formulas, and small or uneven cohorts are told apart from strange cases."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import cdist, mahalanobis

from napari_medclf.engine.triage.compare import (
    Figures,
    compare,
    figures_of,
    neighbour_distance,
    root_mean_square,
    training_distance,
)

NAMES = [f"look:{letter}" for letter in "abcdef"]


def _rows(n: int, seed: int = 0) -> list[dict[str, float]]:
    """Numbers that go together: b is nearly a, and d is nearly -c."""
    drawn = np.random.default_rng(seed).normal(0, 1, (n, 6))
    drawn[:, 1] = drawn[:, 0] + 0.2 * drawn[:, 1]
    drawn[:, 3] = -drawn[:, 2] + 0.2 * drawn[:, 3]
    return [dict(zip(NAMES, row.tolist(), strict=True)) for row in drawn]


def test_spreads_are_robust_against_a_tenth_of_strange_cases() -> None:
    clean, spoilt = _rows(60), _rows(60)
    for row in spoilt[:6]:
        row["look:a"] = 500.0
    plain, robust = figures_of(clean), figures_of(spoilt)
    assert robust.centres["look:a"] == pytest.approx(plain.centres["look:a"], abs=0.3)
    apart = compare(spoilt).apart[:, 0]
    assert apart[:6].min() > 3
    assert np.median(np.abs(apart[6:])) < 1.5


def test_neighbour_distance_is_that_of_all_pairs() -> None:
    table = np.random.default_rng(0).normal(0, 1, (40, 5))
    pairs = cdist(table, table) / np.sqrt(5)
    np.fill_diagonal(pairs, np.inf)
    np.testing.assert_allclose(neighbour_distance(table), np.sort(pairs, axis=1)[:, 3], rtol=1e-6)


def test_many_cases_are_compared_with_some_and_never_with_themselves() -> None:
    table = np.random.default_rng(0).normal(0, 1, (2500, 3))
    table[1234] = 7.0
    found = neighbour_distance(table, n_most=200)
    assert found.argmax() == 1234
    assert found.min() > 0


def test_training_distance_sees_numbers_that_go_together_come_apart() -> None:
    figures = figures_of(_rows(200))
    usual = _rows(30, seed=1)
    strange = dict(usual[0])
    strange["look:b"] = -strange["look:a"] + (2.0 if strange["look:a"] < 0 else -2.0)
    compared = compare([*usual, strange], figures)
    found = training_distance(compared, figures)
    assert found[-1] == found.max()
    assert root_mean_square(compared.apart)[-1] < root_mean_square(compared.apart).max()
    spreads = np.array([figures.spreads[name] for name in NAMES])
    apart = (compared.numbers - np.array([figures.centres[name] for name in NAMES])) / spreads
    assert figures.correlations is not None
    inverse = np.linalg.inv(0.9 * figures.correlations + 0.1 * np.eye(6))
    expected = [mahalanobis(row, np.zeros(6), inverse) / np.sqrt(6) for row in apart]
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_few_cases_have_no_spread_of_their_own() -> None:
    assert np.isnan(compare(_rows(4)).apart).all()
    assert np.isfinite(compare(_rows(4), figures_of(_rows(50))).apart).all()
    assert np.isnan(neighbour_distance(compare(_rows(4)).apart)).all()


def test_missing_numbers_are_left_out_and_unknown_training_changes_nothing() -> None:
    rows = _rows(20)
    del rows[3]["look:c"]
    compared = compare(rows)
    assert np.isnan(compared.apart[3, 2])
    assert np.isfinite(root_mean_square(compared.apart)).all()
    other = compare(rows, Figures(30, {"size:volume_ml:liver": 7.0}, {"size:volume_ml:liver": 1.0}))
    np.testing.assert_array_equal(other.apart, compared.apart)
    assert np.isnan(training_distance(other, Figures())).all()
