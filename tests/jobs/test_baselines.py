"""Classic models beside a deep one: a table, a package, and a verdict."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from napari_medclf.domain.card import Task
from napari_medclf.domain.events import Noted
from napari_medclf.jobs.api import run
from napari_medclf.jobs.baselines import can_have_baselines
from napari_medclf.jobs.drive import drive
from napari_medclf.jobs.evaluate import EvaluateOptions, evaluate
from napari_medclf.jobs.plan import plan_for
from napari_medclf.jobs.predict import PredictOptions, predict
from napari_medclf.jobs.publish import with_card
from napari_medclf.jobs.rerun import RerunOptions, rerun
from napari_medclf.jobs.train import TrainOptions, train
from napari_medclf.store.bundle import read_package

_ALL = {"logistic", "knn", "tree", "forest", "boosting", "svm"}


@pytest.fixture(scope="module")
def trained(chest_folder, tmp_path_factory):
    """A deep model of one epoch with its baselines, and the notes that were told."""
    notes = []
    options = TrainOptions(
        data=chest_folder, out=tmp_path_factory.mktemp("beside") / "chests", epochs=1, device="cpu", register=False
    )
    outcome = drive(train(options), lambda event: notes.append(event.message) if isinstance(event, Noted) else None)
    assert outcome.result is not None, outcome.message
    return outcome.result.package, notes


@pytest.fixture(scope="module")
def table(trained):
    return json.loads((trained[0].folder / "docs" / "baselines.json").read_text(encoding="utf-8"))


def test_every_kind_stands_in_the_table_on_both_sets_of_features(table):
    assert {row["name"] for row in table["rows"] if row["features"] == "counted"} == _ALL
    assert {row["name"] for row in table["rows"] if row["features"] == "embedding"} == {f"{one}-deep" for one in _ALL}
    for row in table["rows"]:
        low, high = row["metrics"]["auc"]["ci95"]
        assert 0 <= low <= row["metrics"]["auc"]["value"] <= high <= 1
        assert row["title"]
        assert row["seconds"] >= 0


def test_best_counted_model_is_kept_as_a_package_that_runs(trained, table, chest_folder, tmp_path):
    folder = trained[0].folder / "baseline"
    card = read_package(folder).card
    assert card.name == "chests-baseline"
    best = max(
        (row for row in table["rows"] if row["features"] == "counted"), key=lambda row: row["metrics"]["auc"]["value"]
    )
    assert table["best"] in _ALL
    assert card.metrics["val/auc"].value == pytest.approx(best["metrics"]["auc"]["value"])
    picture = next((chest_folder / "opacity").iterdir())
    record = run(predict(PredictOptions(model=str(folder), paths=(picture,), out=tmp_path, device="cpu")))
    assert len(record.cases) == 1


def test_verdict_names_both_models_and_their_difference(trained, table):
    _, notes = trained
    assert table["sentence"] in notes
    assert table["deep"]["name"] == "chests"
    assert "95 % interval" in table["sentence"]
    words = "deep model is better" if table["is_deep_better"] else "Deep learning is not needed here"
    assert words in table["sentence"]


def test_evaluation_measures_the_baseline_on_the_same_cases(trained, chest_folder, tmp_path):
    options = EvaluateOptions(model=str(trained[0].folder), data=chest_folder, out=tmp_path, split="val", device="cpu")
    document = run(evaluate(options)).document
    assert document["baseline"]["model"] == "chests-baseline"
    assert document["baseline"]["is_deep_better"] in (True, False)


def test_baseline_survives_a_new_card(trained):
    package, _ = trained
    again = with_card(package, package.card.model_copy(update={"title": "Another title"}))
    assert read_package(again.folder / "baseline").card.name == "chests-baseline"
    assert (again.folder / "docs" / "baselines.json").is_file()


def test_baseline_can_be_trained_again_alone(trained, chest_folder, tmp_path):
    options = RerunOptions(run=trained[0].folder / "baseline", out=tmp_path / "alone", data=chest_folder)
    run(rerun(options))
    again = read_package(tmp_path / "alone")
    assert again.card.weights_sha256 == read_package(trained[0].folder / "baseline").card.weights_sha256
    assert not (tmp_path / "alone" / "baseline").exists()


def test_without_baselines_there_is_no_table(chest_model):
    assert not (chest_model.folder / "baseline").exists()


@pytest.mark.parametrize(("recipe", "can_have"), [("small-resnet", True), ("forest", False)])
def test_classic_model_needs_no_classic_one_beside_it(recipe, can_have, chest_model, chest_folder):
    from napari_medclf.jobs.data import DataChoice, open_data
    from napari_medclf.store.datasets import split_dataset

    dataset = split_dataset(open_data(DataChoice(chest_folder)), val_fraction=0.2, test_fraction=0.0, seed=0)
    planned = run(plan_for(dataset, recipe, None, None))
    assert can_have_baselines(chest_model.card, planned) is can_have
    segmenter = replace(chest_model, card=chest_model.card.model_copy(update={"task": Task.SEGMENT})).card
    assert not can_have_baselines(segmenter, planned)
