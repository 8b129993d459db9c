"""Distances from a training are those of a plain formula, about 1 for its own cases, and not told of several kinds."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import mahalanobis

from napari_medclf.engine.triage.compare import compare, root_mean_square
from napari_medclf.engine.triage.figures import Figures
from napari_medclf.engine.triage.training import figures_of, training_distance

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
    expected = [mahalanobis(row, np.zeros(6), inverse) / np.sqrt(6) / figures.usual for row in apart]
    np.testing.assert_allclose(found, expected, rtol=1e-6)


@pytest.mark.parametrize("n_cases", [20, 200])
def test_new_case_like_the_training_is_about_one_away_also_of_few_cases(n_cases: int) -> None:
    new = compare(_rows(100, seed=99))
    medians = [np.median(training_distance(new, figures_of(_rows(n_cases, seed)))) for seed in range(10)]
    assert np.mean(medians) == pytest.approx(1, abs=0.15)


def test_training_on_two_kinds_of_images_has_no_distance() -> None:
    other = [{name: value + 40 for name, value in row.items()} for row in _rows(15, seed=1)]
    figures = figures_of([*_rows(45), *other])
    assert figures.correlations is None
    assert np.isnan(training_distance(compare(_rows(10)), figures)).all()


def _heard(rows: list[dict[str, float]], seed: int = 0) -> list[dict[str, float]]:
    drawn = np.random.default_rng(seed).normal(0, 1, (len(rows), 4))
    return [
        row | {f"feature:{n:02}": value for n, value in enumerate(seen)}
        for row, seen in zip(rows, drawn.tolist(), strict=True)
    ]


def test_what_the_network_saw_tells_where_looks_do_not() -> None:
    figures = figures_of(_heard(_rows(60)))
    strange = _rows(1, seed=2)[0] | {f"feature:{n:02}": 6.0 for n in range(4)}
    found = training_distance(compare([*_heard(_rows(20, seed=1), 1), strange]), figures)
    assert found[-1] == found.max() > 2


def test_looks_count_alone_where_nobody_could_listen() -> None:
    figures, rows = figures_of(_heard(_rows(60))), _rows(20, seed=1)
    by_looks = training_distance(compare(rows), figures)
    assert np.median(by_looks) == pytest.approx(1, abs=0.2)
    one_deaf = [*_heard(rows[:-1], 1), rows[-1]]
    np.testing.assert_allclose(training_distance(compare(one_deaf), figures), by_looks)


def test_unknown_training_has_no_distance() -> None:
    assert np.isnan(training_distance(compare(_rows(20)), Figures())).all()
    assert np.isnan(training_distance(compare(_rows(20)), None)).all()
