"""As many steps as fit into the time are planned, and the plan can be asked for again."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from tiny_lumps import card_of, cases_of

from napari_medclf.domain.card import Task
from napari_medclf.domain.recipe import Recipe
from napari_medclf.engine.adapt.pace import fitted_to_time
from napari_medclf.engine.adapt.settings import AdaptSettings, Part, Stepper, usual_settings
from napari_medclf.engine.networks import build_network
from napari_medclf.jobs.api import run

WHOLE = AdaptSettings(Part.ALL, n_steps=30, lr=2e-2, stepper=Stepper.MUON)


def _planned(settings: AdaptSettings) -> tuple[AdaptSettings, torch.nn.Module]:
    card = card_of(Task.SEGMENT, ("lump",), 2)
    torch.manual_seed(0)
    network = build_network(card.network).eval()
    recipe = Recipe(network=card.network, input=card.input, batch=4)
    return run(fitted_to_time(network, card, recipe, cases_of(card), settings)), network


@pytest.mark.parametrize(("max_s", "n_steps"), [(1e-9, 1), (1e6, 30), (None, 30)])
def test_plan_differs_from_what_was_asked_for_in_the_steps_alone(max_s: float | None, n_steps: int) -> None:
    planned, _ = _planned(replace(WHOLE, max_s=max_s))
    assert planned == replace(WHOLE, n_steps=n_steps)


def test_timing_leaves_the_network_as_it_is() -> None:
    _, timed = _planned(replace(WHOLE, max_s=1e6))
    _, untouched = _planned(WHOLE)
    after = timed.state_dict()
    assert all(torch.equal(one, after[name]) for name, one in untouched.state_dict().items())


@pytest.mark.parametrize("task", list(Task))
def test_quick_learning_takes_few_steps_whatever_the_task(task: Task) -> None:
    quick, whole = (usual_settings(kind, task) for kind in ("adapt", "fine-tune"))
    assert quick.n_steps <= 50 < whole.n_steps
    assert quick.stepper is (Stepper.ADAMW if task.is_of_whole_image else Stepper.MUON)
