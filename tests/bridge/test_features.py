import math

from napari_medclf.bridge.features import features_table, score_columns, score_text
from napari_medclf.domain.results import Classification
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
