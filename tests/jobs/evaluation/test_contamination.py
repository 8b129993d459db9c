"""A model that is measured on what it learned from is found out, whatever the files are called."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import pytest

from napari_medclf.jobs.api import run
from napari_medclf.jobs.evaluate import EvaluateOptions, evaluate
from napari_medclf.jobs.evaluation.contamination import contamination_of


def test_numbers_without_the_known_cases_stand_beside(card_of, classified, finished):
    cases = classified(40)
    found = finished(contamination_of(cases, ["case_3", "case_5"], card_of("clear", "opacity"), is_exclusive=True))
    assert (found["n_cases"], found["n_measured"]) == (2, 40)
    assert found["sentence"].startswith("Contaminated: the model learned from 2 of 40 measured images")
    assert found["metrics_without"]["auc"].ci95 is not None
    assert finished(contamination_of(cases, [], card_of("clear", "opacity"), is_exclusive=True)) is None


def test_model_that_knows_every_case_has_no_clean_numbers(card_of, classified, finished):
    cases = classified(6)
    known = [one.case_id for one in cases]
    found = finished(contamination_of(cases, known, card_of("clear", "opacity"), is_exclusive=True))
    assert "all measured images" in found["sentence"]
    assert "metrics_without" not in found


def test_planted_training_images_are_found_under_other_names(chest_model, chest_folder, tmp_path):
    splits = json.loads((chest_model.folder / "configs" / "splits.json").read_text())
    for number, case_id in enumerate([*splits["train"][:2], *splits["test"]]):
        source = next(path for path in chest_folder.rglob("*.png") if path.stem in case_id)
        target = tmp_path / "data" / source.parent.name / f"new_{number}.png"
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)
    options = EvaluateOptions(
        model=str(chest_model.folder), data=tmp_path / "data", out=tmp_path / "m", split="all", device="cpu"
    )

    document = run(evaluate(options)).document

    assert document["contaminated"]["n_cases"] == 2
    assert document["contaminated"]["cases"] == ["new_0", "new_1"] or len(document["contaminated"]["cases"]) == 2
    assert "Contaminated" in (tmp_path / "m" / "report.html").read_text()


@pytest.mark.parametrize("split", ["test"])
def test_honest_split_is_not_marked(chest_model, chest_folder, tmp_path, split):
    options = EvaluateOptions(model=str(chest_model.folder), data=chest_folder, out=tmp_path / "m", split=split)

    assert run(evaluate(replace(options, device="cpu"))).document["contaminated"] is None
