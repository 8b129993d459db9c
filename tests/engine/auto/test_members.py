from __future__ import annotations

import pytest
import torch
from tiny_trainings import classify_recipe, draft_of, finish, shade_cases

from napari_medclf.domain.card import Task
from napari_medclf.domain.events import EpochDone, Noted, Progress
from napari_medclf.domain.recipe import Way
from napari_medclf.engine.auto.members import _retold, fit_members
from napari_medclf.engine.auto.ways import plan_members
from napari_medclf.engine.train.settings import FitSettings

RECIPE = classify_recipe(epochs=2)
TRAIN, VAL = shade_cases(16), shade_cases(8, first=100)


def members(way, n, folder, **settings):
    plans = plan_members(way, n, RECIPE, TRAIN, VAL, seed=0)
    return fit_members(draft_of(Task.CLASSIFY, RECIPE), plans, FitSettings(checkpoint_dir=folder, **settings))


def test_members_of_other_seeds_differ(tmp_path):
    (first, second), events = finish(members(Way.SEEDS, 2, tmp_path))
    assert any(not torch.equal(first.state_dict[name], second.state_dict[name]) for name in first.state_dict)
    assert [event.epoch for event in events if isinstance(event, EpochDone)] == [1, 2, 3, 4]
    assert {event.n_epochs for event in events if isinstance(event, EpochDone)} == {4}


def test_progress_grows_over_all_members(tmp_path):
    _, events = finish(members(Way.SEEDS, 2, tmp_path))
    parts = [event.done / event.total for event in events if isinstance(event, Progress) and event.total == 2]
    assert parts == sorted(parts)
    assert parts[-1] >= 0.5  # progress is told five times a second: of a quick member, its beginning alone


def test_progress_of_a_member_is_its_part_of_the_whole():
    def inner():
        yield Progress(1, 4, "Epoch 1: loss 1")
        yield Progress(0, 8, "Validating")
        yield Progress(3, 4, "Epoch 2: loss 1")
        return "fitted"

    told, fitted = [], None
    job = _retold(inner(), "seed-1", (1, 2))
    try:
        while True:
            told.append(next(job))
    except StopIteration as end:
        fitted = end.value
    assert fitted == "fitted"
    assert [event.done / event.total for event in told] == [0.625, 0.625, 0.875]


def test_a_finished_member_is_read_back_after_a_stop(tmp_path):
    job = members(Way.SEEDS, 2, tmp_path)
    for event in job:
        if isinstance(event, EpochDone) and event.epoch == 3:
            job.close()
    resumed, events = finish(members(Way.SEEDS, 2, tmp_path, resume=True))
    whole, _ = finish(members(Way.SEEDS, 2, tmp_path / "other"))
    assert any(isinstance(event, Noted) and "trained already" in event.message for event in events)
    for mine, theirs in zip(resumed, whole, strict=True):
        assert all(torch.equal(mine.state_dict[name], theirs.state_dict[name]) for name in mine.state_dict)
        assert mine.card == theirs.card


def test_snapshots_go_on_from_one_another(tmp_path):
    recipe = RECIPE.model_copy(update={"optimiser": RECIPE.optimiser.model_copy(update={"lr": 1e-12})})
    plans = plan_members(Way.SNAPSHOTS, 2, recipe, TRAIN, VAL, seed=0)
    job = fit_members(draft_of(Task.CLASSIFY, recipe), plans, FitSettings(checkpoint_dir=tmp_path))
    (first, second), _ = finish(job)  # nothing is learned: the second is where the first was left
    weights = [one.state_dict["conv1.weight"] for one in (first, second)]
    assert torch.allclose(*weights, atol=1e-6)


def test_time_is_shared(tmp_path):
    recipe = RECIPE.model_copy(update={"epochs": 10_000})
    plans = plan_members(Way.SEEDS, 2, recipe, TRAIN, VAL, seed=0)
    settings = FitSettings(checkpoint_dir=tmp_path, max_minutes=0.05)
    (first, second), _ = finish(fit_members(draft_of(Task.CLASSIFY, recipe), plans, settings))
    assert first.history[-1]["lr"] < recipe.optimiser.lr / 2
    assert len(second.history) < 10_000
    assert first.elapsed_s == pytest.approx(second.elapsed_s, rel=3)
