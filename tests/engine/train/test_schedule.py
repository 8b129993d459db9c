from __future__ import annotations

import pytest
import torch

from napari_medclf.domain.recipe import ScheduleSettings
from napari_medclf.engine.train.schedule import count_drops, progress_of, rate_factor


def rates(**settings) -> list[float]:
    return [rate_factor(step / 100, ScheduleSettings(**settings)) for step in range(101)]


@pytest.mark.parametrize("kind", ["cosine", "one-cycle", "poly"])
def test_rate_rises_to_its_highest_and_falls_to_its_lowest(kind):
    found = rates(kind=kind, warmup=0.2, lowest=0.01)
    assert found[20] == pytest.approx(1.0)
    assert found[:21] == sorted(found[:21])
    assert found[20:] == sorted(found[20:], reverse=True)
    assert (found[0], found[100]) == (pytest.approx(0.01), pytest.approx(0.01))


def test_no_warmup_starts_at_the_highest_rate():
    assert rate_factor(0.0, ScheduleSettings(warmup=0.0)) == pytest.approx(1.0)


def test_cosine_is_that_of_torch():
    optimiser = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, T_max=100, eta_min=0.05)
    for found in rates(kind="cosine", warmup=0.0, lowest=0.05):
        assert found == pytest.approx(schedule.get_last_lr()[0])
        optimiser.step()
        schedule.step()


def test_one_cycle_is_that_of_torch():
    optimiser = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, max_lr=1.0, total_steps=101, pct_start=0.31, div_factor=25, final_div_factor=1, cycle_momentum=False
    )
    # torch counts the warm-up to the step before.
    for step, found in enumerate(rates(kind="one-cycle", warmup=0.3, lowest=0.04)):
        assert found == pytest.approx(schedule.get_last_lr()[0], abs=0.02), step
        if step < 100:
            optimiser.step()
            schedule.step()


def test_poly_is_that_of_torch():
    optimiser = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    schedule = torch.optim.lr_scheduler.PolynomialLR(optimiser, total_iters=100, power=0.9)
    for found in rates(kind="poly", warmup=0.0, lowest=0.0)[:100]:
        assert found == pytest.approx(schedule.get_last_lr()[0])
        optimiser.step()
        schedule.step()


def test_constant_stays():
    assert set(rates(kind="constant", warmup=0.0)) == {1.0}


@pytest.mark.parametrize("patience", [1, 3])
def test_plateaus_are_those_of_torch(patience):
    scores = torch.tensor([1, 2, 3, 3, 3, 3, 3, 4, 4, 4, 4, 4, 4, 4, 4, 4, 5, 1, 1, 1, 1, 1.0]).tolist()
    optimiser = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimiser, mode="max", factor=0.2, patience=patience, threshold=0, min_lr=0.01
    )
    settings = ScheduleSettings(kind="plateau", warmup=0.0, lowest=0.01, patience=patience)
    for n in range(1, len(scores) + 1):
        schedule.step(scores[n - 1])
        assert rate_factor(0.5, settings, count_drops(scores[:n], patience)) == pytest.approx(schedule.get_last_lr()[0])


def test_slow_machine_follows_the_clock():
    assert progress_of(step=10, n_steps=100, elapsed_s=30, limit_s=60) == 0.5
    assert progress_of(step=90, n_steps=100, elapsed_s=30, limit_s=60) == 0.9
    assert progress_of(step=10, n_steps=100, elapsed_s=900, limit_s=60) == 1.0


def test_without_limit_only_steps_count():
    assert progress_of(step=10, n_steps=100, elapsed_s=1e9, limit_s=None) == 0.1
