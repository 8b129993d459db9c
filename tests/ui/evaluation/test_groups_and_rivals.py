from napari_medclf.ui.evaluation.groups_view import cases_by, group_rows, measures_of
from napari_medclf.ui.evaluation.rivals_view import difference_rows, rivals_of
from napari_medclf.ui.evaluation.scored import ScoredCase
from napari_medclf.ui.evaluation.views import band_of, operating_point_of

AUC = {"value": 0.8, "ci95": [0.7, 0.9]}
GROUPS = {
    "site": {
        "north": {"n_cases": 30, "n_groups": 30, "metrics": {"auc/a": AUC, "f1": AUC, "auc": AUC}, "undefined": {}},
        "south": {"n_cases": 2, "n_groups": 2, "metrics": {}, "undefined": {"auc": "every case is a"}},
    }
}


def test_number_that_people_ask_for_comes_first_and_those_of_a_class_are_left_out() -> None:
    assert measures_of(GROUPS) == ["auc", "f1"]


def test_group_without_a_number_says_why() -> None:
    assert group_rows(GROUPS["site"], "auc") == [
        ("north", 30, "0.800", "0.700 – 0.900"),
        ("south", 2, "–", "every case is a"),
    ]


def test_rows_hold_the_cases_that_the_evaluation_counted() -> None:
    cases = tuple(ScoredCase(str(age), facts={"age": str(age)}) for age in range(30, 71))
    parts = cases_by("age", cases)
    assert sum(len(part) for part in parts.values()) == len(cases)
    assert all(" to " in value for value in parts)
    sites = tuple(ScoredCase(str(n), facts={"site": site}) for n, site in enumerate(("north", "south", "north")))
    assert [case.case_id for case in cases_by("site", sites)["north"]] == ["0", "2"]


def test_differences_are_those_of_all_classes_together() -> None:
    better = {"value": 0.02, "ci95": [0.01, 0.03], "verdict": "better"}
    found = {"differences": {"auc/a": better, "auc": better, "f1": {"value": None, "ci95": None, "verdict": "same"}}}
    assert difference_rows(found) == [("AUC", "+0.020", "+0.010 to +0.030", "better"), ("F1", "–", "", "same")]
    assert rivals_of({"baseline": found, "against": None}) == ["the classic baseline"]


def test_band_and_chosen_point_are_taken_where_the_document_has_them() -> None:
    document = {
        "curves": {"a": {"roc": {"band": {"at": [0, 1], "low": [0.1, 0.9], "high": [0.3, 1.0]}}}},
        "operating_points": {"a": {"threshold": 0.4, "sensitivity": AUC, "specificity": {"value": 0.6, "ci95": None}}},
    }
    assert band_of(document, "a") == ((0, 0.1, 0.3), (1, 0.9, 1.0))
    point = operating_point_of(document, "a")
    assert (point.threshold, point.sensitivity, point.specificity) == (0.4, 0.8, 0.6)
    assert band_of({}, "a") == ()
    assert operating_point_of({}, "a") is None
