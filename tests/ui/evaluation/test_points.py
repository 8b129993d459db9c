import numpy as np
import pytest
from sklearn.metrics import confusion_matrix, roc_curve

from napari_medclf.ui.evaluation.points import (
    confusion,
    errors_at,
    hits_and_misses,
    reliability,
    roc_points,
)
from napari_medclf.ui.evaluation.scored import ScoredCase


def scored(n: int = 60, seed: int = 3) -> tuple[ScoredCase, ...]:
    """Cases of three classes whose scores hold ties."""
    rng = np.random.default_rng(seed)
    names = ("a", "b", "c")
    cases = []
    for number in range(n):
        scores = np.round(rng.dirichlet([1, 2, 1.5]), 1)
        truth = names[rng.integers(3)]
        said = names[int(scores.argmax())]
        cases.append(
            ScoredCase(f"case-{number}", str(number), (truth,), (said,), dict(zip(names, scores, strict=True)))
        )
    return tuple(cases)


def test_matrix_counts_as_scikit_learn_does() -> None:
    cases = scored()
    matrix = confusion(cases, ("a", "b", "c"))
    counts = [[len(cell) for cell in row] for row in matrix.cells]
    expected = confusion_matrix([case.truth[0] for case in cases], [case.decided[0] for case in cases])
    assert counts == expected.tolist()
    assert all(case.truth == ("a",) and case.decided == ("c",) for case in matrix.cells[0][2])
    assert matrix.is_right(1, 1)
    assert not matrix.is_right(1, 2)


def test_model_that_says_nothing_has_a_column_of_its_own() -> None:
    silent = ScoredCase("s", truth=("a",), decided=(), scores={"a": 0.2, "b": 0.2})
    matrix = confusion([silent], ("a", "b"))
    assert matrix.columns == ("a", "b", "unsure")
    assert matrix.cells[0][2] == (silent,)


def test_classes_that_come_together_are_counted_one_by_one() -> None:
    both = ScoredCase("x", truth=("a", "b"), decided=("b", "c"), scores={"a": 0.1, "b": 0.9, "c": 0.8})
    matrix = hits_and_misses([both], ("a", "b", "c"))
    assert [[len(cell) for cell in row] for row in matrix.cells] == [[0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 1, 0]]


def test_curve_has_the_corners_of_scikit_learn() -> None:
    cases = scored()
    truth, scores = [case.truth == ("b",) for case in cases], [case.scores["b"] for case in cases]
    false, found, thresholds = roc_curve(truth, scores, drop_intermediate=False)
    points = roc_points(cases, "b")
    assert [one.sensitivity for one in points] == pytest.approx(found.tolist())
    assert [1 - one.specificity for one in points] == pytest.approx(false.tolist())
    assert [one.threshold for one in points[1:]] == pytest.approx(thresholds[1:].tolist())


def test_curve_of_a_class_that_no_case_has_is_not_defined() -> None:
    assert roc_points([ScoredCase("x", truth=("a",), decided=("a",), scores={"a": 1.0, "b": 0.0})], "b") == ()


def test_errors_come_nearest_to_the_threshold_first() -> None:
    values = {"far": (0.95, "n"), "near": (0.55, "n"), "right": (0.9, "p"), "missed": (0.2, "p")}
    cases = [ScoredCase(name, truth=(truth,), scores={"p": score}) for name, (score, truth) in values.items()]
    assert [case.case_id for case in errors_at(cases, "p", 0.5)] == ["near", "missed", "far"]
    assert [case.case_id for case in errors_at(cases, "p", float("inf"))] == ["right", "missed"]


def test_bins_hold_every_case_once_and_their_means() -> None:
    cases = scored(47)
    bins = reliability(cases, "a")
    assert sorted(case.case_id for one in bins for case in one.cases) == sorted(case.case_id for case in cases)
    assert {len(one.cases) for one in bins} == {4, 5}
    first = bins[0]
    assert first.promised == pytest.approx(np.mean([case.scores["a"] for case in first.cases]))
    assert first.observed == pytest.approx(np.mean([case.truth == ("a",) for case in first.cases]))
