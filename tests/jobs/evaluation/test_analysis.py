"""What is said of a classifier's cases beyond its main numbers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from napari_medclf.jobs.evaluation.analysis import AnalysisSettings, analyse
from napari_medclf.jobs.evaluation.measured import Measured
from napari_medclf.jobs.evaluation.score_table import score_table
from napari_medclf.jobs.evaluation.summary import summarise
from napari_medclf.jobs.evaluation.undefined import reasons


@pytest.fixture(scope="module")
def analysed(card_of, classified, finished):
    card, cases = card_of("clear", "opacity", temperature=1.6), classified(80, has_facts=True)
    return finished(analyse(Measured({}, tuple(cases)), card, AnalysisSettings(is_exclusive=True))), cases


def test_confusion_equals_scikit_learn(analysed):
    from sklearn.metrics import confusion_matrix

    document, cases = analysed
    truth = [one.classes[0] for one in cases]
    said = [one.classification.decided[0] for one in cases]
    assert document["confusion"]["classes"] == ["clear", "opacity"]
    assert document["confusion"]["counts"] == confusion_matrix(truth, said).tolist()


def test_curve_goes_from_corner_to_corner_within_its_band(analysed):
    roc = analysed[0]["curves"]["opacity"]["roc"]
    assert (roc["false_positive_rate"][0], roc["sensitivity"][0]) == (0, 0)
    assert (roc["false_positive_rate"][-1], roc["sensitivity"][-1]) == (1, 1)
    assert (roc["band"]["low"] <= roc["band"]["high"]).all()
    assert set(analysed[0]["curves"]["opacity"]) == {"roc", "pr", "prevalence"}


def test_area_by_delong_lies_beside_the_bootstrap(analysed, card_of, finished):
    document, cases = analysed
    metric = finished(summarise(cases, card_of("clear", "opacity"), is_exclusive=True))["auc/opacity"]
    assert document["auc_delong"]["opacity"].value == pytest.approx(metric.value, abs=1e-9)
    assert document["auc_delong"]["opacity"].ci95 == pytest.approx(metric.ci95, abs=0.02)


def test_threshold_on_the_measured_cases_is_told_and_on_others_is_kept(analysed, card_of, classified, finished):
    document, cases = analysed
    point = document["operating_points"]["opacity"]
    assert (point["target_sensitivity"], point["chosen_on"]) == (0.95, "these cases")
    assert point["sensitivity"].value >= 0.95
    others = Measured({}, tuple(classified(60, seed=9)))
    settings = AnalysisSettings(True, 0.8, ("validation cases", others))
    chosen = finished(analyse(Measured({}, tuple(cases)), card_of("clear", "opacity"), settings))["operating_points"]
    assert chosen["opacity"]["chosen_on"] == "validation cases"
    table = score_table(cases, card_of("clear", "opacity"), is_exclusive=True)
    found = table.probabilities[:, 1] >= chosen["opacity"]["threshold"]
    assert chosen["opacity"]["sensitivity"].value == pytest.approx(found[table.truth[:, 1]].mean(), abs=1e-12)


def test_temperature_is_told_apart_from_what_the_network_said(analysed):
    calibration = analysed[0]["calibration"]
    assert calibration["temperature"] == 1.6
    assert calibration["ece_uncalibrated"] != pytest.approx(0)
    assert sum(one.n_cases for one in calibration["per_class"]["opacity"]["bins"]) == 80
    assert calibration["per_class"]["opacity"]["slope"].ci95 is not None


def test_every_value_of_a_fact_is_measured_and_ages_are_cut_into_quarters(analysed):
    subgroups = analysed[0]["subgroups"]
    assert list(subgroups["sex"]) == ["F", "M"]
    assert [part["n_cases"] for part in subgroups["sex"].values()] == [40, 40]
    assert {"auc", "sensitivity/opacity"} <= set(subgroups["sex"]["F"]["metrics"])
    assert len(subgroups["age"]) == 4
    assert sum(part["n_cases"] for part in subgroups["age"].values()) == 80
    assert next(iter(subgroups["age"])).startswith("20 to ")


def test_fact_that_parts_nothing_says_why(card_of, classified, finished):
    cases = [replace(one, facts={"site": "A", "scan": f"s{n}"}) for n, one in enumerate(classified(30))]
    document = finished(analyse(Measured({}, tuple(cases)), card_of("clear", "opacity"), AnalysisSettings(True)))
    assert document["subgroups"] == {}
    assert "1 different values" in document["undefined"]["subgroups/site"]
    assert "30 different values" in document["undefined"]["subgroups/scan"]


def test_class_that_nobody_has_is_undefined_everywhere_with_its_reason(card_of, classified, finished):
    names = ("clear", "opacity", "nodule")
    cases = [one for one in classified(90, names) if one.classes != ("nodule",)]
    card = card_of(*names)
    metrics = finished(summarise(cases, card, is_exclusive=True))
    document = finished(
        analyse(Measured(metrics, tuple(cases), reasons(metrics, cases, card)), card, AnalysisSettings(True))
    )
    undefined = document["undefined"]
    assert undefined["auc/nodule"] == f"none of {len(cases)} cases has the class nodule"
    assert undefined["sensitivity/nodule"] == f"none of {len(cases)} cases has the class nodule"
    assert "0 patients with the class" in undefined["auc_delong/nodule"]
    assert undefined["operating_points/nodule"] == f"none of the {len(cases)} cases to choose on has nodule"
    assert undefined["calibration/slope/nodule"] == f"none of {len(cases)} cases has the class nodule"
    assert "nodule" not in document["curves"]
    assert np.isfinite(metrics["auc"].value)


def test_perfect_scores_have_no_interval_but_a_reason(card_of, classified, finished):
    cases = classified(24, gain=40.0)
    document = finished(analyse(Measured({}, tuple(cases)), card_of("clear", "opacity"), AnalysisSettings(True)))
    assert document["auc_delong"]["opacity"].ci95 is None
    assert "variance is then 0" in document["undefined"]["ci95 of auc_delong/opacity"]


def test_classes_that_come_together_have_a_small_table_each(card_of, classified, finished):
    card = card_of("clear", "opacity", activation="sigmoid")
    document = finished(analyse(Measured({}, tuple(classified(40))), card, AnalysisSettings(is_exclusive=False)))
    neither_and_more = document["confusion"]["per_class"]["opacity"]
    assert sum(map(sum, neither_and_more)) == 40
