"""The Train tab: recipes that fit, their settings, and simpler models beside the result."""

from __future__ import annotations

import json

from napari_medclf.domain.card import Metric, Task
from napari_medclf.domain.package import ModelPackage
from napari_medclf.ui.panels.train import metric_rows_of


def titles(workbench) -> list[str]:
    box = workbench.train.recipe.box
    return [box.itemData(place) for place in range(box.count())]


def test_recipes_fit_the_task_and_tell_when_to_choose_them(workbench, until) -> None:
    train = workbench.train
    until(lambda: "small-resnet" in titles(workbench))
    train.form.show_values({"task": Task.SEGMENT})
    assert "unet" in titles(workbench)
    assert "small-resnet" not in titles(workbench)
    train.recipe.set_value("unet")
    assert "Ronneberger" in train.recipe.summary.text()
    train.form.show_values({"data": "somewhere"})
    assert train.read().recipe == "unet"


def test_recipe_file_is_kept_when_the_list_comes_later(workbench, until, tmp_path) -> None:
    train = workbench.train
    train.form.show_values({"recipe": str(tmp_path / "mine.json")})
    until(lambda: "small-resnet" in titles(workbench))
    assert train.recipe.value == str(tmp_path / "mine.json")
    assert train.recipe.box.currentText() == "mine.json"


def test_settings_are_planned_for_the_data_and_forgotten_with_the_recipe(workbench, person, pictures, until) -> None:
    rows = "".join(f"disc-{n}.png,{'left' if n < 2 else 'right'}\n" for n in range(4))
    (pictures / "labels.csv").write_text(f"path,label\n{rows}", encoding="utf-8")
    train = workbench.train
    workbench.show_tab("Train")
    until(lambda: "small-resnet" in titles(workbench))
    train.form.show_values({"data": pictures / "labels.csv"})
    train.recipe.set_value("small-cnn" if "small-cnn" in titles(workbench) else "small-resnet")
    person.click(train.settings.show_settings)
    until(lambda: train.settings.table.table.rowCount() and not workbench.session.lane.is_busy)
    assert "As planned for pictures" in train.settings.table.told.text()
    assert train.settings.table.change("batch", "3")
    assert "1 changed" in train.settings.show_settings.text()
    train.recipe.set_value("")
    assert train.settings.table.value == ()


def test_simpler_models_stand_beside_the_one_that_was_trained(workbench, threshold_card, tmp_path, until) -> None:
    (tmp_path / "docs").mkdir()
    document = {
        "sentence": "Deep learning is not needed here.",
        "best": "tree",
        "difference": {"name": "auc", "value": -0.01, "ci95": [-0.1, 0.08]},
        "deep": {"name": "lungs", "metrics": {"auc": {"value": 0.9, "ci95": [0.8, 0.95]}}},
        "rows": [
            {"name": "logistic", "title": "logistic regression", "metrics": {"auc": {"value": 0.88, "ci95": None}}},
            {"name": "tree", "title": "decision tree", "metrics": {"auc": {"value": 0.91, "ci95": None}}},
        ],
    }
    (tmp_path / "docs" / "baselines.json").write_text(json.dumps(document), encoding="utf-8")
    workbench.show_tab("Train")
    beside = workbench.train.beside
    beside.show_model(ModelPackage(threshold_card(Task.CLASSIFY), tmp_path), workbench.session.lane)
    until(beside.isVisible)
    table = beside.table
    rows = [[table.item(row, column).text() for column in range(2)] for row in range(table.rowCount())]
    assert rows == [["this model (lungs)", "0.900"], ["decision tree", "0.910"], ["logistic regression", "0.880"]]
    assert beside.verdict.text() == "Deep learning is not needed here."


def test_numbers_of_all_classes_stand_before_those_of_one() -> None:
    metrics = {"val/auc/clear": Metric(value=0.5), "val/auc": Metric(value=0.75, ci95=(0.5, 1.0))}
    assert metric_rows_of(metrics) == [("AUC", "0.750", "0.500 – 1.000"), ("AUC · clear", "0.500", "")]
