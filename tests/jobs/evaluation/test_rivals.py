"""Two models on the same cases, and what follows for the deep one."""

from __future__ import annotations

import shutil
from dataclasses import replace

import pytest

from napari_medclf.domain.errors import OptionError
from napari_medclf.jobs.api import run
from napari_medclf.jobs.evaluate import EvaluateOptions, evaluate
from napari_medclf.jobs.evaluation.measured import Measured
from napari_medclf.jobs.evaluation.rivals import baseline_verdict, check_rival, comparison_document, find_baseline
from napari_medclf.store.bundle import copy_package


def _compared(finished, card, ours, theirs):
    return finished(
        comparison_document(card, Measured({}, tuple(theirs)), Measured({}, tuple(ours)), card, is_exclusive=True)
    )


def test_better_deep_model_earns_its_cost(card_of, classified, finished):
    card = card_of("clear", "opacity")
    good = classified(120, gain=3.0)
    bad = classified(120, gain=0.2)  # the same truth: the same seed

    document = baseline_verdict(_compared(finished, card, good, bad))

    assert document["is_deep_better"] is True
    assert document["sentence"].startswith("Better: auc 0.9")
    assert document["sentence"].endswith("The deep model earns its cost.")
    assert document["auc_delong"]["opacity"]["p_value"] < 0.01


def test_equal_models_need_no_deep_one(card_of, classified, finished):
    card, cases = card_of("clear", "opacity"), classified(60)

    document = baseline_verdict(_compared(finished, card, cases, cases))

    assert document["is_deep_better"] is False
    assert "No difference could be shown" in document["sentence"]
    assert "Deep learning is not needed here" in document["sentence"]


def test_main_number_that_is_not_defined_gives_no_verdict(card_of, classified, finished):
    card = card_of("clear", "opacity")
    cases = [replace(one, classes=("clear",)) for one in classified(20)]

    document = baseline_verdict(_compared(finished, card, cases, cases))

    assert document["is_better"] is None
    assert "not defined" in document["sentence"]


def test_baseline_inside_the_package_is_measured_on_the_same_cases(chest_model, chest_folder, tmp_path):
    assert find_baseline(chest_model) is None
    deep = copy_package(chest_model, tmp_path / chest_model.name)
    shutil.copytree(chest_model.folder, deep.folder / "baseline")
    options = EvaluateOptions(model=str(deep.folder), data=chest_folder, out=tmp_path / "m", split="test", device="cpu")

    document = run(evaluate(options)).document

    assert document["baseline"]["is_deep_better"] is False  # it is the same model
    assert document["baseline"]["differences"]["auc"]["value"] == 0
    assert "Against the classic baseline" in (tmp_path / "m" / "report.html").read_text()
    assert "baseline" not in run(evaluate(replace(options, baseline=False))).document


def test_model_that_does_another_thing_is_refused(chest_model, vessel_model):
    with pytest.raises(OptionError, match="does not tell the same classes apart"):
        check_rival(vessel_model, chest_model)
