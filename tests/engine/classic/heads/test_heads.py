"""Every head answers as the scikit-learn model that it was made of."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.calibration import CalibratedClassifierCV
from sklearn.decomposition import PCA
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.multiclass import OneVsRestClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from napari_medclf.domain.errors import CardError
from napari_medclf.engine.classic.heads.boosting import fit_boosting
from napari_medclf.engine.classic.heads.kinds import KINDS, build_head, candidates
from napari_medclf.engine.classic.heads.linear import fit_linear
from napari_medclf.engine.classic.heads.neighbours import fit_neighbours
from napari_medclf.engine.classic.heads.problem import Aim, Problem
from napari_medclf.engine.classic.heads.svm import fit_svm
from napari_medclf.engine.classic.heads.trees import fit_forest, fit_tree, round_down

_N, _NEW = 180, 60


def _features() -> np.ndarray:
    return np.random.default_rng(5).normal(size=(_N + _NEW, 7)).astype(np.float32)


def _problem(n_classes: int) -> tuple[Problem, np.ndarray, np.ndarray]:
    """A problem, the classes of its rows and rows that it does not know."""
    features = _features()
    noisy = features[:_N, 0] + features[:_N, 1] ** 2 + np.random.default_rng(6).normal(0, 0.3, _N)
    classes = np.digitize(noisy, [0.8] if n_classes == 2 else [0.2, 1.5])
    targets = np.eye(n_classes, dtype=np.float32)[classes]
    return Problem(features[:_N], targets, Aim.ONE_CLASS, seed=1), classes, features[_N:]


def _probabilities(head: torch.nn.Module, rows: np.ndarray) -> np.ndarray:
    return head(torch.from_numpy(rows)).softmax(1).numpy()


@pytest.mark.parametrize("n_classes", [2, 3])
def test_logistic_regression_is_scikit_learns(n_classes: int) -> None:
    problem, classes, rows = _problem(n_classes)
    expected = LogisticRegression(C=0.1, max_iter=300).fit(problem.features.astype(float), classes)
    found = _probabilities(fit_linear(problem, 0.1), rows)
    np.testing.assert_allclose(found, expected.predict_proba(rows.astype(float)), atol=1e-6)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_support_vector_machine_is_scikit_learns(n_classes: int) -> None:
    problem, classes, rows = _problem(n_classes)
    machine = CalibratedClassifierCV(SVC(C=10.0, gamma=float(np.float32(1 / 7))), ensemble=False, cv=3)
    expected = machine if n_classes == 2 else OneVsRestClassifier(machine)
    expected.fit(problem.features, classes)
    np.testing.assert_allclose(_probabilities(fit_svm(problem, 10.0), rows), expected.predict_proba(rows), atol=1e-6)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_tree_is_scikit_learns(n_classes: int) -> None:
    problem, classes, rows = _problem(n_classes)
    expected = DecisionTreeClassifier(min_samples_leaf=5, random_state=1).fit(problem.features, classes)
    np.testing.assert_allclose(_probabilities(fit_tree(problem, 5), rows), expected.predict_proba(rows), atol=3e-6)


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("is_balanced", [False, True])
def test_forest_is_scikit_learns(n_classes: int, is_balanced: bool) -> None:
    problem, classes, rows = _problem(n_classes)
    problem = Problem(problem.features, problem.targets, problem.aim, is_balanced, seed=1)
    expected = RandomForestClassifier(
        20, min_samples_leaf=2, random_state=1, class_weight="balanced" if is_balanced else None
    ).fit(problem.features, classes)
    np.testing.assert_allclose(
        _probabilities(fit_forest(problem, 20, 2), rows), expected.predict_proba(rows), atol=3e-6
    )


@pytest.mark.parametrize("n_classes", [2, 3])
def test_boosting_is_scikit_learns(n_classes: int) -> None:
    problem, classes, rows = _problem(n_classes)
    expected = HistGradientBoostingClassifier(
        max_iter=12, learning_rate=0.2, max_leaf_nodes=6, early_stopping=False, random_state=1
    ).fit(problem.features, classes)
    np.testing.assert_allclose(
        _probabilities(fit_boosting(problem, 12, 0.2, 6), rows), expected.predict_proba(rows), atol=1e-6
    )


def test_neighbours_are_scikit_learns() -> None:
    problem, classes, rows = _problem(3)
    known = np.concatenate([rows, problem.features[:5]])  # of known cases only their own class counts
    axes = PCA(7).fit(problem.features.astype(float))
    expected = KNeighborsClassifier(5, weights="distance").fit(axes.transform(problem.features.astype(float)), classes)
    np.testing.assert_allclose(
        fit_neighbours(problem, 5).votes(torch.from_numpy(known)).numpy(),
        expected.predict_proba(axes.transform(known.astype(float))),
        atol=1e-5,
    )


def test_numbers_are_scikit_learns() -> None:
    features = _features()
    numbers = np.stack([features[:, 0] * 2 + features[:, 2] ** 2, -features[:, 1]], 1).astype(np.float32)
    problem, rows = Problem(features[:_N], numbers[:_N], Aim.NUMBERS, seed=1), features[_N:]
    ridge = Ridge(alpha=10.0).fit(problem.features.astype(float), problem.targets.astype(float))
    np.testing.assert_allclose(fit_linear(problem, 0.1)(torch.from_numpy(rows)), ridge.predict(rows), atol=1e-5)
    forest = RandomForestRegressor(10, min_samples_leaf=2, max_features=1 / 3, random_state=1)
    forest.fit(problem.features, problem.targets)
    np.testing.assert_allclose(fit_forest(problem, 10, 2)(torch.from_numpy(rows)), forest.predict(rows), atol=1e-5)
    boosted = fit_boosting(problem, 10, 0.2, 6)(torch.from_numpy(rows))
    for output in range(2):
        expected = HistGradientBoostingRegressor(
            max_iter=10, learning_rate=0.2, max_leaf_nodes=6, early_stopping=False, random_state=1
        ).fit(problem.features, problem.targets[:, output])
        np.testing.assert_allclose(boosted[:, output], expected.predict(rows), atol=1e-5)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_independent_classes_are_learned_each_on_its_own(kind: str) -> None:
    features = _features()
    always, never = np.ones(len(features)), np.zeros(len(features))
    targets = np.stack([features[:, 0] > 0, features[:, 1] > 0.5, always, never], 1).astype(np.float32)
    problem = Problem(features[:_N], targets[:_N], Aim.ANY_CLASSES, seed=1)
    head = KINDS[kind].fit(problem, **candidates(kind, {})[-1])
    decided = (head(torch.from_numpy(features[_N:])) > 0).numpy()
    assert ((decided == targets[_N:]).mean(0) > 0.75).all()
    assert decided[:, 2].all()
    assert not decided[:, 3].any()


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_class_without_a_case_is_never_answered(kind: str) -> None:
    problem, classes, rows = _problem(2)
    targets = np.zeros((_N, 4), np.float32)
    targets[np.arange(_N), np.where(classes == 1, 3, 1)] = 1  # of four classes, two have cases
    head = KINDS[kind].fit(Problem(problem.features, targets, Aim.ONE_CLASS, seed=1), **candidates(kind, {})[0])
    found = _probabilities(head, rows)
    assert found[:, [0, 2]].max() < 0.01
    assert set(found.argmax(1)) == {1, 3}


@pytest.mark.parametrize("kind", sorted(KINDS))
@pytest.mark.parametrize("n_classes", [2, 3])
def test_head_is_built_again_from_its_sizes_and_buffers(kind: str, n_classes: int) -> None:
    problem, _, rows = _problem(n_classes)
    head = KINDS[kind].fit(problem, **candidates(kind, {})[0])
    again = build_head(kind, 7, n_classes, Aim.ONE_CLASS, head.sizes)
    again.load_state_dict(head.state_dict())
    assert torch.equal(again(torch.from_numpy(rows)), head(torch.from_numpy(rows)))
    assert all(torch.isfinite(buffer).all() for buffer in again.buffers())


def test_rounded_threshold_parts_the_same_float32_numbers() -> None:
    random = np.random.default_rng(2)
    numbers = random.normal(size=1000).astype(np.float32)
    thresholds = (numbers.astype(np.float64) + np.roll(numbers, 1).astype(np.float64)) / 2
    thresholds[::7] = numbers[::7]
    expected = numbers.astype(np.float64)[:, None] <= thresholds
    np.testing.assert_array_equal(numbers[:, None] <= round_down(thresholds), expected)


def test_each_value_of_a_list_is_a_candidate() -> None:
    assert candidates("forest", {"n_trees": [10, 20]}) == [
        {"n_trees": 10, "smallest_leaf": 2},
        {"n_trees": 20, "smallest_leaf": 2},
    ]
    with pytest.raises(CardError, match="smallest_leaf"):
        candidates("forest", {"smallest_leaves": 3})
    with pytest.raises(CardError, match="forest"):
        candidates("forrest", {})
