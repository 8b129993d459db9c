from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tiny_trainings import classify_recipe, draft_of, finish, segment_recipe, shade_cases, square_cases

from napari_medclf.domain.card import Task
from napari_medclf.domain.events import Noted
from napari_medclf.engine.auto.auto import Portfolio, count_networks, learn_auto, plan_trials, seconds_an_epoch, weigh
from napari_medclf.engine.auto.candidates import truth_of
from napari_medclf.engine.auto.join import TARGET
from napari_medclf.engine.auto.parts import Part
from napari_medclf.engine.networks import build_network
from napari_medclf.engine.train.settings import FitSettings

RECIPE = classify_recipe(epochs=2, family="small-resnet")
DRAFT = draft_of(Task.CLASSIFY, RECIPE)
TRAIN, VAL = shade_cases(16), shade_cases(8, first=100)


@pytest.fixture
def slow_epochs(monkeypatch):
    """Let an epoch be taken for one of 0.1 s: two of them a member fit into 0.2 minutes."""
    monkeypatch.setattr("napari_medclf.engine.auto.auto.seconds_an_epoch", lambda *_: 0.1)


def test_members_are_trained_and_weighed_within_the_time(tmp_path, slow_epochs):
    settings = FitSettings(checkpoint_dir=tmp_path, max_minutes=0.2)
    fitted, events = finish(learn_auto(DRAFT, Portfolio((RECIPE,)), TRAIN, VAL, settings))
    said = [event.message for event in events if isinstance(event, Noted)]
    assert any("answer together" in sentence for sentence in said)
    assert fitted.elapsed_s < 0.3 * 60
    network = build_network(fitted.card.network)
    network.load_state_dict(fitted.state_dict)


def test_classic_models_are_weighed_beside_the_networks(tmp_path, slow_epochs):
    settings = FitSettings(checkpoint_dir=tmp_path, max_minutes=0.2)
    job = learn_auto(DRAFT, Portfolio((RECIPE,), has_classic=True), TRAIN, VAL, settings)
    fitted, events = finish(job)
    said = [event.message for event in events if isinstance(event, Noted)]
    assert any(sentence.startswith("logistic: loss ") for sentence in said)
    network = build_network(fitted.card.network)
    network.load_state_dict(fitted.state_dict)


def test_a_short_time_makes_few_networks_and_a_long_one_many(slow_epochs):
    counts = [count_networks(Portfolio((RECIPE,)), 16, minutes, DRAFT) for minutes in (1e-6, 1e6)]
    assert counts == [1, 10]


def test_recipes_take_turns_round_after_round_with_seeds_of_their_own():
    other = RECIPE.model_copy(update={"family": "other"})
    parts = [Part(TRAIN, VAL), Part(VAL, TRAIN)]
    plans = [trial.plan for trial in plan_trials(Portfolio((RECIPE, other)), parts, 7, seed=2)]
    assert [plan.recipe.family for plan in plans] == ["small-resnet"] * 2 + ["other"] * 2 + ["small-resnet"] * 2
    assert [plan.val is VAL for plan in plans] == [True, False] * 3
    assert len({plan.seed for plan in plans}) == 6
    assert sum(plan.share_of_time for plan in plans) == pytest.approx(1)


def test_with_enough_time_every_case_is_learned_from_and_judged_by_others(tmp_path, monkeypatch):
    monkeypatch.setattr("napari_medclf.engine.auto.auto.seconds_an_epoch", lambda *_: 0.02)
    settings = FitSettings(checkpoint_dir=tmp_path, max_minutes=0.06)
    fitted, events = finish(learn_auto(DRAFT, Portfolio((RECIPE,)), TRAIN, VAL, settings))
    said = [event.message for event in events if isinstance(event, Noted)]
    assert any("on 24 cases that were held back" in sentence for sentence in said)
    assert fitted.card.network.target == TARGET
    assert len(fitted.card.network.arguments["members"]) in (3, 4, 5)
    assert fitted.unseen.shape == (8, 2)
    assert fitted.unseen.sum(1) == pytest.approx(1)
    assert fitted.card.metrics["val/auc"].ci95 is not None


def test_a_training_that_goes_on_keeps_its_folds(tmp_path, monkeypatch):
    monkeypatch.setattr("napari_medclf.engine.auto.auto.seconds_an_epoch", lambda *_: 0.06)
    settings = FitSettings(checkpoint_dir=tmp_path, max_minutes=0.18)
    first, _ = finish(learn_auto(DRAFT, Portfolio((RECIPE,)), TRAIN, VAL, settings))
    monkeypatch.setattr("napari_medclf.engine.auto.auto.seconds_an_epoch", lambda *_: 1e6)  # the machine is busy now
    again, events = finish(learn_auto(DRAFT, Portfolio((RECIPE,)), TRAIN, VAL, replace(settings, resume=True)))
    assert sum("was trained already" in event.message for event in events if isinstance(event, Noted)) == 3
    assert np.array_equal(first.unseen, again.unseen)


def test_segmenters_answer_together_too(tmp_path, slow_epochs):
    recipe = segment_recipe(epochs=1, family="unet")
    settings = FitSettings(checkpoint_dir=tmp_path, max_minutes=0.2)
    job = learn_auto(
        draft_of(Task.SEGMENT, recipe), Portfolio((recipe,)), square_cases(4), square_cases(2, 100), settings
    )
    fitted, _ = finish(job)
    assert fitted.card.network.target == TARGET


def test_verdict_that_networks_are_not_needed():
    truth = np.eye(2)[np.arange(40) % 2]
    knows, guesses = np.clip(truth, 0.05, 0.95), np.full((40, 2), 0.5)
    shares, sentence = weigh([knows], [guesses, guesses], truth)
    assert shares == [1.0, 0.0, 0.0]
    assert "deep learning is not needed" in sentence
    shares, sentence = weigh([guesses], [knows, knows], truth)
    assert shares == [0.0, 0.5, 0.5]
    assert "add nothing" in sentence
    shares, sentence = weigh([knows, guesses], [knows, knows], truth)
    assert shares == [0.5, 0.0, 0.25, 0.25]
    assert "1 of 2 classic models count 50%" in sentence


def test_truth_of_one_and_of_several_classes():
    assert truth_of(TRAIN[:3], DRAFT).tolist() == [[1, 0], [0, 1], [1, 0]]


def test_a_measured_epoch_counts_its_steps(monkeypatch):
    monkeypatch.setattr("napari_medclf.engine.auto.auto._PROBE_S", 0.1)
    assert seconds_an_epoch(RECIPE, 8000, DRAFT) > 20 * seconds_an_epoch(RECIPE, 8, DRAFT)
