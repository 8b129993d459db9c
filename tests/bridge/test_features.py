import math

from napari_medclf.bridge.features import features_table, number_columns, number_text, score_columns, score_text
from napari_medclf.domain.results import Classification, Regression
from napari_medclf.testing.phantoms import brain_phantom


def test_classes_are_listed_with_the_background_first() -> None:
    table = features_table(brain_phantom().truth)
    assert table["index"] == [0, 1, 2]
    assert table["class"] == ["background", "anterior", "posterior"]


def test_measurements_become_columns() -> None:
    rows = [{"class": "anterior", "index": 1, "volume_ml": 2.5}, {"class": "posterior", "index": 2, "volume_ml": 0.5}]
    table = features_table(brain_phantom().truth, rows)
    assert list(table) == ["index", "class", "volume_ml"]
    assert table["volume_ml"][1:] == [2.5, 0.5]
    assert math.isnan(table["volume_ml"][0])


SCORES = Classification({"normal": 0.1, "pneumonia": 0.9}, decided=("pneumonia",), is_calibrated=True)


def test_scores_are_ranked() -> None:
    assert score_columns(SCORES) == {
        "class": ["pneumonia", "normal"],
        "score": [0.9, 0.1],
        "decided": [True, False],
    }


def test_canvas_text_names_model_calibration_and_decision() -> None:
    assert score_text(SCORES, model="chest") == "chest (calibrated)\n● pneumonia  90.0 %\n○ normal  10.0 %"


def test_long_lists_are_cut_and_say_so() -> None:
    many = Classification({f"class {n}": n / 20 for n in range(9)}, decided=())
    assert score_text(many, limit=3).endswith("and 6 more")


def test_numbers_are_written_with_their_units():
    said = Regression({"age": 61.234, "cells": 12.0}, {"age": "a", "cells": "1"})
    assert number_text(said, model="counter") == "counter\nage  61.23 a\ncells  12"
    assert number_columns(said) == {"quantity": ["age", "cells"], "value": [61.23, 12.0], "unit": ["a", "1"]}


def test_classes_that_come_together_are_all_marked():
    both = Classification({"mass": 0.8, "edema": 0.7, "hernia": 0.1}, ("mass", "edema"))
    assert score_text(both).count("●") == 2
