"""Verdicts: what is better, what is worse in part, and what cannot be known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from napari_medclf.domain.card import Task
from napari_medclf.domain.verdict import Judgement, Verdict
from napari_medclf.jobs.adapt.judge import Asked, judge
from napari_medclf.jobs.adapt.measure import Scored
from napari_medclf.jobs.api import run


def _dices(values, *, facts=None, per_patient: int = 1) -> list[Scored]:
    return [
        Scored(f"c{n}", f"p{n // per_patient}", f"k{n}", {"dice/a": value, "dice/b": value}, facts[n] if facts else {})
        for n, value in enumerate(values)
    ]


def _judged(task: Task, before: list[Scored], after: list[Scored], contaminated=()) -> Verdict:
    return run(judge(Asked(task, before, after, contaminated)))


@pytest.mark.parametrize(
    ("gain", "expected"), [(0.1, Judgement.BETTER), (0.0, Judgement.SAME), (-0.1, Judgement.WORSE)]
)
def test_judgement_is_that_of_the_main_number(gain: float, expected: Judgement) -> None:
    random = np.random.default_rng(0)
    before = random.uniform(0.5, 0.7, 12)
    after = before + gain + random.normal(0, 0.02, 12)
    verdict = _judged(Task.SEGMENT, _dices(before), _dices(after))
    assert verdict.judgement is expected
    assert verdict.changes[0].name == "dice"
    assert verdict.changes[0].after - verdict.changes[0].before == pytest.approx((after - before).mean())
    assert (verdict.n_cases, verdict.n_groups) == (12, 12)


def test_subgroup_that_gets_worse_is_named_though_the_mean_is_better() -> None:
    facts = [{"site": "A"}] * 4 + [{"site": "B"}] * 16
    before = np.full(20, 0.6) + np.random.default_rng(0).normal(0, 0.01, 20)
    after = before + np.where(np.arange(20) < 4, -0.2, 0.2)
    verdict = _judged(Task.SEGMENT, _dices(before, facts=facts), _dices(after, facts=facts))
    assert verdict.judgement is Judgement.BETTER
    assert verdict.worse_in == ("site=A (dice)", "a in site=A", "b in site=A")
    assert "Worse in: site=A (dice)" in verdict.sentence
    assert not verdict.may_be_accepted


def test_class_that_gets_worse_is_named() -> None:
    before = _dices(np.full(10, 0.6))
    after = [replace(one, values={"dice/a": 0.9 + n / 1e3, "dice/b": 0.5 - n / 1e3}) for n, one in enumerate(before)]
    verdict = _judged(Task.SEGMENT, before, after)
    assert (verdict.judgement, verdict.worse_in) == (Judgement.BETTER, ("b",))


def test_one_patient_gives_no_verdict_however_many_images() -> None:
    verdict = _judged(Task.SEGMENT, _dices([0.1] * 6, per_patient=6), _dices([0.9] * 6, per_patient=6))
    assert verdict.judgement is Judgement.UNKNOWN
    assert "takes 5 held-out patients" in verdict.sentence
    assert not verdict.may_be_accepted


def test_few_patients_give_a_warning_and_no_praise() -> None:
    before, better, worse = (_dices(np.full(4, 0.6) + change + np.arange(4) / 100) for change in (0, 0.1, -0.1))
    assert _judged(Task.SEGMENT, before, better).judgement is Judgement.UNKNOWN
    assert _judged(Task.SEGMENT, before, before).judgement is Judgement.UNKNOWN
    assert _judged(Task.SEGMENT, before, worse).judgement is Judgement.WORSE


def test_classifier_is_judged_by_its_area_under_the_curve() -> None:
    from sklearn.metrics import roc_auc_score

    random = np.random.default_rng(0)
    truth = np.arange(60) % 2
    before, after = (_scores(truth, noise, random) for noise in (1.5, 0.3))
    verdict = _judged(Task.CLASSIFY, before, after)
    areas = [roc_auc_score(truth, [one.values["score/ill"] for one in scored]) for scored in (before, after)]
    main = verdict.changes[0]
    assert main.name == "auc"
    assert (main.before, main.after) == pytest.approx(areas)
    assert verdict.judgement is Judgement.BETTER
    assert {one.name for one in verdict.changes} == {"auc", "balanced_accuracy"}


def test_classifier_without_one_class_is_judged_by_its_decisions() -> None:
    scored = _scores(np.ones(8, dtype=int), 0.1, np.random.default_rng(0))
    assert _judged(Task.CLASSIFY, scored, scored).changes[0].name == "balanced_accuracy"


def test_case_that_one_of_both_could_not_answer_is_left_out() -> None:
    verdict = _judged(Task.SEGMENT, _dices([0.5, 0.6, 0.7]), _dices([0.6, 0.7, 0.8])[:2])
    assert verdict.n_cases == 2
    assert _judged(Task.SEGMENT, [], []).judgement is Judgement.UNKNOWN


def test_contaminated_cases_are_said() -> None:
    verdict = _judged(Task.SEGMENT, _dices([0.5, 0.6]), _dices([0.8, 0.9]), ("c1",))
    assert verdict.contaminated == ("c1",)
    assert "learned from 1 of these cases" in verdict.sentence


def _scores(truth, noise: float, random: np.random.Generator) -> list[Scored]:
    ill = 1 / (1 + np.exp(-(2 * truth - 1 + random.normal(0, noise, len(truth)))))
    return [
        Scored(
            f"c{n}", f"p{n}", f"k{n}",
            {
                "score/well": 1 - score, "decided/well": float(score < 0.5), "truth/well": 1.0 - is_ill,
                "score/ill": score, "decided/ill": float(score >= 0.5), "truth/ill": float(is_ill),
            },
        )
        for n, (score, is_ill) in enumerate(zip(ill, truth, strict=True))
    ]  # fmt: skip
