import json
import math

from napari_medclf.domain.errors import ReadError
from napari_medclf.jobs.drive import drive
from napari_medclf.ui.evaluation.case_list import list_of_cases, worst_first
from napari_medclf.ui.evaluation.numbers import metric_rows
from napari_medclf.ui.evaluation.results_page import title_text, warning_text
from napari_medclf.ui.evaluation.scored import ScoredCase, read_results, read_rows, split_names


def test_names_that_hold_spaces_are_taken_apart() -> None:
    names = ("lung", "left lung", "heart")
    assert split_names("left lung heart", names) == ("left lung", "heart")
    assert split_names("lung", names) == ("lung",)
    assert split_names("", names) == ()


def test_folder_that_was_written_comes_back(tmp_path) -> None:
    (tmp_path / "metrics.json").write_text(json.dumps({"model": "m", "n_cases": 1}), encoding="utf-8")
    (tmp_path / "cases.csv").write_text(
        "case_id,group_id,truth,decided,score:left lung,score:heart,fact:site\n7,jo,left lung,heart,0.25,0.75,north\n",
        encoding="utf-8",
    )
    results = drive(read_results(tmp_path)).result
    assert results.classes == ("left lung", "heart")
    assert results.is_exclusive
    assert results.cases[0] == ScoredCase(
        "7", "jo", ("left lung",), ("heart",), {"left lung": 0.25, "heart": 0.75}, {}, {"site": "north"}
    )


def test_folder_of_something_else_is_refused_in_a_sentence(tmp_path) -> None:
    outcome = drive(read_results(tmp_path))
    assert isinstance(outcome.error, ReadError)
    assert "metrics.json and cases.csv are wanted" in outcome.message


def test_numbers_of_labels_are_kept_and_gaps_are_no_numbers() -> None:
    (case,) = read_rows([{"case_id": "1", "group_id": "1", "dice:a": "0.8", "dice:b": "", "note": "odd"}])
    assert case.numbers["dice:a"] == 0.8
    assert math.isnan(case.numbers["dice:b"])
    assert "note" not in case.numbers
    assert list_of_cases([case]).columns == ("case", "dice a", "dice b")


def test_the_surest_error_comes_first_and_the_unsurest_hit_before_the_surest() -> None:
    def case(name: str, truth: str, said: str, score: float) -> ScoredCase:
        return ScoredCase(name, truth=(truth,), decided=(said,), scores={said: score})

    cases = [case("hit", "a", "a", 0.99), case("slip", "a", "b", 0.6), case("blunder", "a", "b", 0.98)]
    assert [one.case_id for one in worst_first([*cases, case("close", "b", "b", 0.51)])] == [
        "blunder", "slip", "close", "hit",
    ]  # fmt: skip


def test_the_worst_labels_come_first_whatever_their_distance_is() -> None:
    good = ScoredCase("good", numbers={"dice:a": 0.9, "hd95_mm:a": 80.0})
    bad = ScoredCase("bad", numbers={"dice:a": 0.2, "hd95_mm:a": 1.0})
    assert [one.case_id for one in worst_first([good, bad])] == ["bad", "good"]


def test_numbers_furthest_off_and_boxes_most_wrong_come_first() -> None:
    near = ScoredCase("near", numbers={"truth:age": 90.0, "found:age": 88.0, "error:age": -2.0})
    far = ScoredCase("far", numbers={"truth:age": 20.0, "found:age": 45.0, "error:age": 25.0})
    assert [one.case_id for one in worst_first([near, far])] == ["far", "near"]
    right = ScoredCase("right", numbers={"reference:cell": 9.0, "found:cell": 9.0, "false:cell": 0.0})
    wrong = ScoredCase("wrong", numbers={"reference:cell": 2.0, "found:cell": 1.0, "false:cell": 3.0})
    assert [one.case_id for one in worst_first([right, wrong])] == ["wrong", "right"]


def test_undefined_numbers_say_why() -> None:
    document = {
        "auc": {"value": 0.9, "ci95": None},
        "per_class": {"a": {"auc": {"value": 0.8, "ci95": [0.7, 0.9]}}},
        "undefined": {"auc/b": "no case has it"},
    }
    assert metric_rows(document) == [("AUC", "0.900", "")]
    assert metric_rows(document, "a") == [("AUC", "0.800", "0.700 – 0.900")]
    assert metric_rows(document, "b") == [("AUC", "–", "no case has it")]


def test_contaminated_model_is_not_to_be_believed() -> None:
    assert warning_text({"contaminated": {"n_cases": 12}}).startswith("⚠ Contaminated: the model has learned from 12")
    told = {"contaminated": {"n_cases": 2, "sentence": "It saw two of them."}}
    assert warning_text(told) == "⚠ It saw two of them."
    assert warning_text({"contaminated": None}) == ""
    assert warning_text({}) == ""


def test_title_counts_patients_only_where_they_are_fewer() -> None:
    document = {"model": "m", "model_version": "1", "data": "d", "split": "test", "n_cases": 9, "n_groups": 9}
    assert title_text(document) == "m 1 on d (test): 9 cases."
    assert title_text(document | {"n_groups": 4}) == "m 1 on d (test): 9 cases of 4 patients or groups."
