"""Measuring a model on labelled data."""

import json
import shutil
from dataclasses import replace

import pytest

from napari_medclf.domain.errors import DatasetError, OptionError, SchemaError
from napari_medclf.jobs.api import run
from napari_medclf.jobs.evaluate import EvaluateOptions, evaluate
from napari_medclf.store.bundle import copy_package, read_package


@pytest.fixture
def options(vessel_model, vessels_folder, tmp_path):
    return EvaluateOptions(model=str(vessel_model.folder), data=vessels_folder, out=tmp_path / "measured", split="all")


def test_segmentation_has_every_number_a_class(options):
    result = run(evaluate(options))

    document = json.loads((options.out / "metrics.json").read_text())
    assert document["n_cases"] == document["n_groups"] == 8
    overlap = {"dice", "iou", "nsd", "hd95_px", "assd_px", "volume_error"}
    lesions = {"lesion_sensitivity", "lesion_precision", "lesion_f1", "false_lesions"}
    assert set(document["per_class"]["vessel"]) == overlap | lesions
    assert document["undefined"] == {}
    low, high = document["per_class"]["vessel"]["dice"]["ci95"]
    assert low <= document["dice"]["value"] <= high
    assert len((options.out / "cases.csv").read_text().splitlines()) == 9
    assert result.path == options.out / "metrics.json"
    assert document["n_defined"]["dice:vessel"] == 8
    assert "eye_0" in (options.out / "cases.csv").read_text()
    page = (options.out / "report.html").read_text()
    assert "eye_" not in page  # names of cases may be those of patients
    assert "data:image/png;base64," in page


def test_data_is_split_as_when_the_model_was_trained(options, vessel_model):
    run(evaluate(replace(options, split="val")))

    document = json.loads((options.out / "metrics.json").read_text())
    assert document["n_cases"] == 1
    assert document["dice"]["value"] == pytest.approx(vessel_model.card.metrics["val/dice"].value)


def test_classification_has_every_number_a_class_and_macro(chest_model, chest_folder, tmp_path):
    options = EvaluateOptions(model=str(chest_model.folder), data=chest_folder, out=tmp_path / "m", split="all")

    run(evaluate(options))

    document = json.loads((tmp_path / "m" / "metrics.json").read_text())
    wanted = {"auc", "accuracy", "balanced_accuracy", "sensitivity", "specificity", "f1", "ece"}
    assert wanted <= set(document)
    assert wanted - {"accuracy", "balanced_accuracy"} <= set(document["per_class"]["opacity"])
    assert all(len(document[name]["ci95"]) == 2 for name in wanted)
    assert document["n_cases"] == 24


def test_objects_are_matched(cell_model, cells_folder, tmp_path):
    options = EvaluateOptions(model=str(cell_model.folder), data=cells_folder, out=tmp_path / "m", split="all")

    run(evaluate(options))

    document = json.loads((tmp_path / "m" / "metrics.json").read_text())
    assert {"ap50", "f1_50", "pq", "foreground_dice"} <= set(document)


def test_numbers_can_be_written_into_the_card(options, vessel_model, tmp_path):
    copy = copy_package(vessel_model, tmp_path / "vessels-small")

    run(evaluate(replace(options, model=str(copy.folder), record=True)))

    card = read_package(copy.folder).card
    assert card.metrics["all/dice/vessel"].ci95 is not None
    assert card.metrics["val/dice"] == vessel_model.card.metrics["val/dice"]
    assert card.weights_sha256 == vessel_model.card.weights_sha256


def test_empty_split_and_foreign_classes_are_refused(options, chest_model, vessels_folder, tmp_path):
    split = tmp_path / "splits.json"
    split.write_text(json.dumps({"train": ["eye_0"], "val": ["eye_1"]}))
    with pytest.raises(DatasetError, match="no test cases"):
        run(evaluate(replace(options, split="test", split_file=split)))
    with pytest.raises(DatasetError, match="classify"):
        run(evaluate(replace(options, model=str(chest_model.folder))))
    assert not options.out.exists()


def test_class_that_the_model_does_not_know(chest_model, vessels_folder, tmp_path):
    for name in ("clear", "fracture"):
        (tmp_path / "data" / name).mkdir(parents=True)
        for number in range(3):
            picture = vessels_folder / "images" / f"eye_{number}.png"
            shutil.copy(picture, tmp_path / "data" / name / f"{name}{number}.png")

    with pytest.raises(SchemaError, match="fracture"):
        run(
            evaluate(
                EvaluateOptions(model=str(chest_model.folder), data=tmp_path / "data", out=tmp_path / "m", split="all")
            )
        )


def test_model_against_itself_is_the_same_in_every_number(options, vessel_model):
    result = run(evaluate(replace(options, against=str(vessel_model.folder))))

    document = json.loads((options.out / "metrics.json").read_text())
    found = document["against"]["differences"]
    assert {"dice", "dice/vessel", "assd_px/vessel"} <= set(found)
    assert {one["verdict"] for one in found.values()} == {"same"}
    assert all(one["value"] == 0 for one in found.values())
    assert "Against another model" in (options.out / "report.html").read_text()
    assert result.document["against"]["auc_delong"] == {}


def test_classifiers_are_compared_by_delong_too(chest_model, chest_folder, tmp_path):
    folder = str(chest_model.folder)
    options = EvaluateOptions(model=folder, data=chest_folder, out=tmp_path / "m", split="all", against=folder)

    document = run(evaluate(options)).document

    assert document["against"]["auc_delong"]["opacity"] == {"value": 0.0, "ci95": (0.0, 0.0), "p_value": 1.0}


def test_model_of_other_classes_is_no_rival(options, chest_model):
    with pytest.raises(OptionError, match="chest-small does not tell the same classes apart as vessels-small"):
        run(evaluate(replace(options, against=str(chest_model.folder))))
