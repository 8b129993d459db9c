from __future__ import annotations

import signal
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from child_training import killed_recipe
from tiny_trainings import (
    classify_recipe,
    draft_of,
    finish,
    segment_recipe,
    shade_cases,
    square_cases,
    start,
    stop_after,
)

from napari_medclf.domain.card import Task
from napari_medclf.domain.errors import DatasetError
from napari_medclf.domain.events import EpochDone, Progress, Warned
from napari_medclf.domain.recipe import (
    AveragingSettings,
    LossSettings,
    OptimiserSettings,
    ScheduleSettings,
    TransferSettings,
)
from napari_medclf.domain.results import Sample
from napari_medclf.engine.networks import build_network
from napari_medclf.engine.train.cases import TrainCase
from napari_medclf.engine.train.checkpoint import BEST, LAST, PREVIOUS
from napari_medclf.engine.train.trainer import Trainer

SGD = OptimiserSettings(kind="sgd", lr=0.05)
LAST_WEIGHTS = AveragingSettings(kind="none")
FROZEN = {"optimiser": OptimiserSettings(lr=1e-12), "averaging": AveragingSettings(decay=0.0)}


def test_segmenter_learns_bright_squares(tmp_path):
    recipe = segment_recipe(epochs=8, samples_per_epoch=16)
    fitted, events = finish(start(Task.SEGMENT, recipe, tmp_path))
    assert fitted.val_metrics["val/dice/square"] > 0.8
    assert fitted.card.metrics["val/dice/square"].value == fitted.val_metrics["val/dice/square"]
    assert [event.epoch for event in events if isinstance(event, EpochDone)] == list(range(1, 9))
    assert any(isinstance(event, Progress) for event in events)


def test_classifier_learns_shades_and_is_calibrated(tmp_path):
    fitted, _ = finish(start(Task.CLASSIFY, classify_recipe(epochs=6, mixup_alpha=0.2), tmp_path))
    assert fitted.val_metrics["val/auc"] > 0.95
    assert fitted.card.is_calibrated
    assert fitted.card.output.temperature != 1.0


def test_instances_learn_interior_and_border(tmp_path):
    network = segment_recipe().network
    network = network.model_copy(update={"arguments": {**network.arguments, "out_channels": 3}})
    recipe = segment_recipe(samples_per_epoch=16).model_copy(update={"network": network})
    fitted, _ = finish(start(Task.INSTANCES, recipe, tmp_path))
    assert {"val/dice/interior", "val/dice/border"} <= set(fitted.val_metrics)


def test_weights_are_those_of_the_best_epoch(tmp_path):
    fitted, _ = finish(start(Task.SEGMENT, segment_recipe(), tmp_path))
    best = torch.load(tmp_path / BEST, weights_only=True)
    assert fitted.best_epoch == best["history"]["best_epoch"]
    for name, value in fitted.state_dict.items():
        assert torch.equal(value, best["trainer"]["average"][name])


def test_keep_last_returns_the_last_epoch(tmp_path):
    fitted, _ = finish(start(Task.SEGMENT, segment_recipe(keep="last"), tmp_path))
    last = torch.load(tmp_path / LAST, weights_only=True)
    assert fitted.best_epoch == 3
    for name, value in fitted.state_dict.items():
        assert torch.equal(value, last["trainer"]["average"][name])


@pytest.mark.parametrize("task", [Task.SEGMENT, Task.CLASSIFY])
def test_resumed_training_equals_an_uninterrupted_one(tmp_path, task):
    augment = {"rotate_deg": 20, "flip_axes": (1,), "noise_sd": 0.1, "elastic_vox": 1.0}
    make = classify_recipe if task is Task.CLASSIFY else segment_recipe
    recipe = make(augment=augment, epochs=4)
    whole, _ = finish(start(task, recipe, tmp_path / "whole"))
    stop_after(start(task, recipe, tmp_path / "cut"), n_epochs=2)
    resumed, _ = finish(start(task, recipe, tmp_path / "cut", resume=True))
    for name, value in whole.state_dict.items():
        assert torch.equal(value, resumed.state_dict[name]), name
    assert whole.history == resumed.history


def test_cancel_within_an_epoch_keeps_the_last_checkpoint(tmp_path):
    job = start(Task.SEGMENT, segment_recipe(), tmp_path)
    for event in job:
        if isinstance(event, EpochDone):
            next(job)
            job.close()
            break
    assert len(torch.load(tmp_path / LAST, weights_only=True)["history"]["epochs"]) == 1


def test_damaged_checkpoint_falls_back_to_the_one_before(tmp_path):
    recipe = segment_recipe()
    whole, _ = finish(start(Task.SEGMENT, recipe, tmp_path / "whole"))
    stop_after(start(Task.SEGMENT, recipe, tmp_path / "cut"), n_epochs=2)
    last = tmp_path / "cut" / LAST
    last.write_bytes(last.read_bytes()[:1000])
    resumed, events = finish(start(Task.SEGMENT, recipe, tmp_path / "cut", resume=True))
    assert any(isinstance(event, Warned) and "last.pt is damaged" in event.message for event in events)
    assert [event.epoch for event in events if isinstance(event, EpochDone)] == [2, 3]
    assert whole.history == resumed.history


def test_without_resume_an_old_checkpoint_is_forgotten(tmp_path):
    finish(start(Task.SEGMENT, segment_recipe(epochs=2), tmp_path))
    job = start(Task.SEGMENT, segment_recipe(epochs=2), tmp_path)
    next(job)
    job.close()
    assert not (tmp_path / LAST).exists()
    assert not (tmp_path / PREVIOUS).exists()


def test_resume_refuses_the_checkpoint_of_another_recipe(tmp_path):
    stop_after(start(Task.SEGMENT, segment_recipe(), tmp_path), n_epochs=1)
    with pytest.raises(DatasetError, match="another recipe"):
        finish(start(Task.SEGMENT, segment_recipe(optimiser=OptimiserSettings(lr=0.5)), tmp_path, resume=True))


def test_time_limit_ends_the_training_with_a_low_learning_rate(tmp_path):
    recipe = segment_recipe(epochs=10_000)
    fitted, _ = finish(start(Task.SEGMENT, recipe, tmp_path, max_minutes=0.03))
    assert fitted.elapsed_s < 8
    assert len(fitted.history) < 10_000
    assert fitted.history[-1]["lr"] < recipe.optimiser.lr / 4


def test_patience_stops_when_validation_no_longer_improves(tmp_path):
    recipe = segment_recipe(epochs=30, patience=2, **FROZEN)
    fitted, _ = finish(start(Task.SEGMENT, recipe, tmp_path))
    assert len(fitted.history) < 30


def test_training_starts_from_given_weights(tmp_path):
    recipe = segment_recipe(epochs=1, **FROZEN)
    given = build_network(recipe.network).state_dict()
    fitted, events = finish(start(Task.SEGMENT, recipe, tmp_path, init_state=given))
    assert not any(isinstance(event, Warned) for event in events)
    for name, value in given.items():
        torch.testing.assert_close(fitted.state_dict[name], value, atol=1e-6, rtol=0)


def test_weights_that_do_not_fit_are_told(tmp_path):
    other = segment_recipe().network
    other = other.model_copy(update={"arguments": {**other.arguments, "out_channels": 5}})
    _, events = finish(
        start(Task.SEGMENT, segment_recipe(epochs=1), tmp_path, init_state=build_network(other).state_dict())
    )
    assert any(isinstance(event, Warned) and "2 have another shape" in event.message for event in events)


def test_patient_in_training_and_validation_is_refused(tmp_path):
    cases = square_cases(3)
    with pytest.raises(DatasetError, match="patient-2"):
        next(start(Task.SEGMENT, segment_recipe(), tmp_path, train=cases, val=cases[2:]))


def test_image_that_is_no_longer_a_number_is_refused(tmp_path):
    bad = [
        TrainCase(case.case_id, case.group_id, Sample(np.full_like(case.sample.image, np.nan), case.sample.target))
        for case in shade_cases(16)
    ]
    with pytest.raises(DatasetError, match="no longer a number"):
        finish(start(Task.CLASSIFY, classify_recipe(), tmp_path, train=bad))


def test_volume_does_not_fit_a_flat_network(tmp_path):
    solid = TrainCase("solid", "p", Sample(np.zeros((1, 8, 16, 16), np.float32), np.zeros((8, 16, 16), np.int64)))
    with pytest.raises(DatasetError, match="solid: an image of shape"):
        next(start(Task.SEGMENT, segment_recipe(), tmp_path, train=[solid]))


def test_card_keeps_what_the_draft_says(tmp_path):
    recipe = segment_recipe(epochs=1)
    fitted, _ = finish(start(Task.SEGMENT, recipe, tmp_path))
    draft = draft_of(Task.SEGMENT, recipe)
    assert fitted.card.model_copy(update={"metrics": {}}) == draft


def test_damaged_best_checkpoint_gives_the_last_epoch(tmp_path):
    job = start(Task.SEGMENT, segment_recipe(), tmp_path)
    for event in job:
        if isinstance(event, EpochDone) and event.epoch == 3:
            (tmp_path / BEST).write_bytes(b"torn")
            break
    fitted, _ = finish(job)
    assert fitted.best_epoch == 3
    last = torch.load(tmp_path / LAST, weights_only=True)["trainer"]["average"]
    assert all(torch.equal(value, last[name]) for name, value in fitted.state_dict.items())


def test_training_killed_within_an_epoch_goes_on_to_the_bit(tmp_path):
    child = [sys.executable, str(Path(__file__).with_name("child_training.py")), "be-killed", str(tmp_path / "cut")]
    assert subprocess.run(child, capture_output=True, timeout=280).returncode == -signal.SIGKILL
    last = torch.load(tmp_path / "cut" / LAST, weights_only=True)
    assert (len(last["history"]["epochs"]), last["part"]["n_batches"]) == (1, 3)
    whole, _ = finish(start(Task.SEGMENT, killed_recipe(), tmp_path / "whole"))
    resumed, _ = finish(start(Task.SEGMENT, killed_recipe(), tmp_path / "cut", resume=True))
    assert whole.history == resumed.history
    for name, value in whole.state_dict.items():
        assert torch.equal(value, resumed.state_dict[name]), name


@pytest.mark.parametrize(
    "changes",
    [
        {"optimiser": OptimiserSettings(kind="lion", lr=1e-3)},
        {"optimiser": OptimiserSettings(kind="nadam", lr=5e-3), "schedule": ScheduleSettings(kind="one-cycle")},
        {"averaging": AveragingSettings(kind="swa", start=0.4), "schedule": ScheduleSettings(kind="poly")},
        {"averaging": AveragingSettings(kind="none"), "schedule": ScheduleSettings(kind="plateau", patience=1)},
        {"precision": "float16"},
        {"optimiser": OptimiserSettings(kind="rmsprop", lr=1e-3, accumulate=2)},
    ],
)
def test_every_kind_of_setting_resumes_to_the_bit(tmp_path, changes):
    recipe = classify_recipe(epochs=4, **changes)
    whole, _ = finish(start(Task.CLASSIFY, recipe, tmp_path / "whole"))
    stop_after(start(Task.CLASSIFY, recipe, tmp_path / "cut"), n_epochs=2)
    resumed, _ = finish(start(Task.CLASSIFY, recipe, tmp_path / "cut", resume=True))
    assert whole.history == resumed.history
    assert all(torch.equal(value, resumed.state_dict[name]) for name, value in whole.state_dict.items())


def test_accumulated_batches_are_one_large_batch(tmp_path):
    settings = {"augment": {"noise_sd": 0.0}, "epochs": 2}
    large = segment_recipe(batch=4, optimiser=SGD, loss=LossSettings(region="none"), **settings)
    small = large.model_copy(update={"batch": 2, "optimiser": SGD.model_copy(update={"accumulate": 2})})
    cases = square_cases(4)
    cases = [replace(case, sample=replace(case.sample, image=case.sample.image[:, :32, :32].copy())) for case in cases]
    cases = [replace(case, sample=replace(case.sample, target=case.sample.target[:32, :32].copy())) for case in cases]
    found = [
        finish(start(Task.SEGMENT, recipe, tmp_path / name, train=cases))[0]
        for name, recipe in (("large", large), ("small", small))
    ]
    for name, value in found[0].state_dict.items():
        torch.testing.assert_close(value, found[1].state_dict[name], atol=1e-5, rtol=1e-4, msg=name)


def test_frozen_epochs_leave_what_was_taken_over(tmp_path):
    recipe = classify_recipe(epochs=1, transfer=TransferSettings(frozen_epochs=1), averaging=LAST_WEIGHTS)
    given = build_network(recipe.network).state_dict()
    fitted, _ = finish(start(Task.CLASSIFY, recipe, tmp_path, init_state=given))
    moved = {name for name, value in given.items() if not torch.equal(value, fitted.state_dict[name])}
    assert moved == {"fc.weight", "fc.bias"}
    assert fitted.transfer.is_whole


def test_plateau_lowers_the_rate(tmp_path):
    schedule = ScheduleSettings(kind="plateau", warmup=0.0, patience=1)
    recipe = segment_recipe(epochs=6, schedule=schedule, **FROZEN)
    fitted, _ = finish(start(Task.SEGMENT, recipe, tmp_path))
    rates = [values["lr"] for values in fitted.history]
    assert rates[0] == pytest.approx(1e-12)
    assert rates[-1] < rates[0] / 4


@pytest.mark.parametrize("is_spoilt", [True, False])
def test_steps_that_are_left_out_are_told(tmp_path, monkeypatch, is_spoilt):
    def spoil(self, loss):
        (loss * (float("inf") if is_spoilt else 1.0)).backward()

    monkeypatch.setattr("napari_medclf.engine.train.precision.Precision.backward", spoil)
    _, events = finish(start(Task.SEGMENT, segment_recipe(epochs=1, samples_per_epoch=16), tmp_path))
    told = [event.message for event in events if isinstance(event, Warned)]
    assert [one for one in told if "left out" in one] == [one for one in told if "of epoch 1 were left out" in one]
    assert any("left out" in one for one in told) == is_spoilt


def test_stop_does_not_wait_for_a_long_step(tmp_path, monkeypatch):
    release = threading.Event()
    monkeypatch.setattr(Trainer, "_step", lambda self, group, rate: release.wait(60) and 0.5)
    job = start(Task.SEGMENT, segment_recipe(), tmp_path)
    started = [next(job) for _ in range(3)]
    assert all(isinstance(event, Progress) for event in started)
    job.close()
    assert not release.is_set()
    release.set()
