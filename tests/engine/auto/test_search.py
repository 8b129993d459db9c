from __future__ import annotations

import pytest
from tiny_trainings import classify_recipe, draft_of, finish, segment_recipe, shade_cases

from napari_medclf.domain.card import Task
from napari_medclf.domain.events import Noted
from napari_medclf.domain.recipe import AugmentSettings, OptimiserSettings

pytest.importorskip("optuna", reason="Optuna is an extra")

from napari_medclf.engine.auto.search import SearchSettings, score_of, search
from napari_medclf.engine.auto.space import own_values, stronger

RECIPE = classify_recipe(epochs=2, optimiser=OptimiserSettings(lr=3e-3))


def searching(folder, n_trials, recipe=RECIPE, **settings):
    settings = SearchSettings(folder=folder, n_trials=n_trials, **settings)
    return search(draft_of(Task.CLASSIFY, recipe), recipe, shade_cases(16), shade_cases(8, first=100), settings)


def test_first_trial_is_the_recipe_and_the_best_one_is_returned(tmp_path):
    found, _ = finish(searching(tmp_path, 5))
    assert found.trials[0].values["learning rate"] == RECIPE.optimiser.lr
    assert len(found.trials) == 5
    ended = [one for one in found.trials if one.score is not None and not one.is_pruned]
    best = max(ended, key=lambda one: one.score)
    assert found.score == best.score
    assert found.recipe.optimiser.lr == best.values["learning rate"]
    assert len({one.values["learning rate"] for one in found.trials}) == 5
    assert not (tmp_path / "checkpoints").exists()


def test_a_search_goes_on_where_it_was_stopped(tmp_path):
    job = searching(tmp_path, 4)
    begun = 0
    for event in job:
        begun += isinstance(event, Noted)
        if begun == 3:
            job.close()
    found, events = finish(searching(tmp_path, 4))
    # The third was cut off in its middle: it counts as failed, and is not run again.
    assert sum(isinstance(event, Noted) for event in events) == 1
    assert [one.score is None for one in found.trials] == [False, False, True, False]


def test_no_trial_begins_after_the_time(tmp_path):
    found, _ = finish(searching(tmp_path, 50, max_minutes=0.02))
    assert len(found.trials) < 50


def test_the_space_of_segmentation_has_the_region_weight():
    assert "region weight" in own_values(segment_recipe())
    assert "mixup" in own_values(classify_recipe())


def test_stronger_augmentation_keeps_off_what_is_off():
    changed = stronger(AugmentSettings(rotate_deg=150, cutout=0.3), 2.0)
    assert (changed.rotate_deg, changed.cutout, changed.scale) == (180, 0.6, 0)


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        ({"val/dice": 0.8, "val/loss": 0.5}, {"val/dice": 0.7, "val/loss": 0.1}),
        ({"val/auc": 1.0, "val/loss": 0.1}, {"val/auc": 1.0, "val/loss": 0.2}),
        ({"val/loss": 0.1}, {"val/loss": 0.2}),
    ],
)
def test_epochs_are_compared_by_quality_and_then_by_loss(better, worse):
    assert score_of(better) > score_of(worse)
