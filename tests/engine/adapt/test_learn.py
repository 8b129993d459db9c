"""A few steps from corrections: better on them, the same again by seed, and the network in use untouched."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from tiny_lumps import card_of, cases_of

from napari_medclf.domain.card import ModelCard, Task
from napari_medclf.domain.errors import DatasetError
from napari_medclf.domain.recipe import Recipe
from napari_medclf.domain.results import Sample
from napari_medclf.engine.adapt.learn import Adapted, adapt_network
from napari_medclf.engine.adapt.lessons import Lessons, Teacher
from napari_medclf.engine.adapt.settings import AdaptSettings, Part, usual_settings
from napari_medclf.engine.networks import build_network


def _adapt(card: ModelCard, finished, **settings) -> tuple[torch.nn.Module, Adapted]:
    torch.manual_seed(0)
    network = build_network(card.network).eval()
    recipe = Recipe(network=card.network, input=card.input, batch=4)
    job = adapt_network(network, card, recipe, Lessons(cases_of(card)), AdaptSettings(**settings))
    return network, finished(job)


@pytest.fixture(scope="module")
def finished():
    def run(job):
        while True:
            try:
                next(job)
            except StopIteration as end:
                return end.value

    return run


@pytest.mark.parametrize(
    ("task", "dims"), [(Task.SEGMENT, 2), (Task.SEGMENT, 3), (Task.INSTANCES, 2), (Task.CLASSIFY, 2)]
)
def test_loss_falls_for_every_task(task: Task, dims: int, finished) -> None:
    names = ("none", "lump") if task is Task.CLASSIFY else ("lump",)
    card = card_of(task, names, dims)
    network, adapted = _adapt(card, finished, part=Part.ADAPTERS, n_steps=12, lr=3e-2)
    assert np.mean(adapted.losses[-3:]) < np.mean(adapted.losses[:3])
    assert adapted.n_steps == 12
    network.load_state_dict(adapted.state_dict)  # the same names and shapes


@pytest.mark.parametrize("task", [Task.SEGMENT, Task.INSTANCES, Task.CLASSIFY])
def test_loss_falls_with_what_is_usual_for_quick_learning(task: Task, finished) -> None:
    card = card_of(task, ("none", "lump") if task is Task.CLASSIFY else ("lump",), 2)
    usual = usual_settings("adapt", task)
    _, adapted = _adapt(card, finished, part=usual.part, n_steps=16, lr=usual.lr, stepper=usual.stepper)
    assert np.mean(adapted.losses[-3:]) < np.mean(adapted.losses[:3])


def test_network_in_use_is_left_alone(finished) -> None:
    card = card_of(Task.SEGMENT, ("lump",), 2)
    torch.manual_seed(0)
    before = {name: one.clone() for name, one in build_network(card.network).state_dict().items()}
    network, adapted = _adapt(card, finished, n_steps=2)
    assert all(torch.equal(one, before[name]) for name, one in network.state_dict().items())
    assert any(not torch.equal(one, before[name]) for name, one in adapted.state_dict.items())


def test_same_seed_gives_the_same_weights_whatever_was_drawn_before(finished) -> None:
    card = card_of(Task.SEGMENT, ("lump",), 2)
    states = []
    for n_drawn, seed in ((0, 1), (5, 1), (0, 2)):
        torch.rand(n_drawn)
        states.append(_adapt(card, finished, n_steps=3, seed=seed)[1].state_dict)
    first, again, other = states
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert any(not torch.equal(first[name], other[name]) for name in first)


def test_time_limit_plans_fewer_steps_that_can_be_done_again(finished) -> None:
    card = card_of(Task.SEGMENT, ("lump",), 2)
    _, short = _adapt(card, finished, n_steps=100_000, max_s=1e-9)
    assert short.n_steps == 1
    _, again = _adapt(card, finished, n_steps=1)
    assert all(torch.equal(one, again.state_dict[name]) for name, one in short.state_dict.items())


def test_patches_are_drawn_around_what_was_painted() -> None:
    card = card_of(Task.SEGMENT, ("lump",), 2)
    (case,) = cases_of(card, 1)
    shape = (64, 160)
    weight = np.ones(shape, dtype=np.float32)
    weight[40:44, 130:134] = 5  # a person painted far from the lump
    labels = np.zeros(shape, dtype=np.int64)
    labels[8:12, 8:12] = 1
    sample = Sample(np.zeros((1, *shape), dtype=np.float32), labels, weight)
    recipe = Recipe(network=card.network, input=card.input, batch=8, samples_per_epoch=40, foreground=1.0)
    teacher = Teacher(card, recipe, [replace(case, sample=sample)])
    batches = list(teacher.batches(torch.Generator().manual_seed(0)))
    n_painted = sum(int((batch.weight.flatten(1) > 1).any(1).sum()) for batch in batches)
    assert 10 <= n_painted <= 30  # half of the patches; the lump has the others


def test_replay_is_about_as_much_as_there_is_to_learn() -> None:
    card = card_of(Task.SEGMENT, ("lump",), 2)
    lessons = Lessons(cases_of(card, 2), cases_of(card, 30))
    drawn = lessons.drawn(seed=0)
    assert len(drawn) == 2 + 8
    assert [one.case_id for one in drawn] == [one.case_id for one in lessons.drawn(seed=0)]
    assert [one.case_id for one in drawn] != [one.case_id for one in lessons.drawn(seed=1)]


def test_nothing_to_learn_from_is_refused(finished) -> None:
    card = card_of(Task.SEGMENT, ("lump",), 2)
    recipe = Recipe(network=card.network, input=card.input)
    with pytest.raises(DatasetError, match="no corrected or accepted cases"):
        finished(adapt_network(build_network(card.network), card, recipe, Lessons(()), AdaptSettings()))
