"""Ways to learn are tried on cases that were held back; the better one goes on, and can be asked for again."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from tiny_lumps import card_of, cases_of

from napari_medclf.domain.card import Task
from napari_medclf.domain.recipe import Recipe
from napari_medclf.engine.adapt.learn import Adapted, adapt_network
from napari_medclf.engine.adapt.lessons import Lessons
from napari_medclf.engine.adapt.settings import AdaptSettings, Part, Way
from napari_medclf.engine.networks import build_network
from napari_medclf.jobs.api import run

SLOW, FAST, WILD = (Way(Part.ALL, lr) for lr in (1e-6, 3e-2, 30.0))


def _adapt(n_cases: int = 8, *, way: Way, rivals: tuple[Way, ...] = (), **settings) -> Adapted:
    card = card_of(Task.SEGMENT, ("lump",), 2)
    torch.manual_seed(0)
    network = build_network(card.network).eval()
    recipe = Recipe(network=card.network, input=card.input, batch=4)
    asked = AdaptSettings(way.part, lr=way.lr, rivals=rivals, **settings)
    return run(adapt_network(network, card, recipe, Lessons(cases_of(card, n_cases)), asked))


@pytest.mark.parametrize(("first", "second"), [(SLOW, FAST), (FAST, SLOW), (WILD, FAST), (FAST, WILD)])
def test_way_that_is_best_on_held_back_cases_goes_on(first: Way, second: Way) -> None:
    assert _adapt(way=first, rivals=(second,), n_steps=16).way == FAST


def test_chosen_way_asked_for_by_name_gives_the_same_weights() -> None:
    chosen = _adapt(way=SLOW, rivals=(FAST,), n_steps=8)
    again = _adapt(way=FAST, n_steps=8)
    assert all(torch.equal(one, again.state_dict[name]) for name, one in chosen.state_dict.items())


def test_too_few_cases_to_hold_one_back_take_the_first_way() -> None:
    assert _adapt(3, way=SLOW, rivals=(FAST,), n_steps=4).way == SLOW


def test_time_limit_holds_for_tries_and_learning_together() -> None:
    assert _adapt(way=SLOW, rivals=(FAST,), n_steps=100_000, max_s=1e-9).n_steps == 1


def test_painted_voxels_count_no_more_than_others_where_ways_are_compared() -> None:
    """Held-back strokes all say lump where there is none: a way that learned the lumps is still the better one."""
    card = card_of(Task.SEGMENT, ("lump",), 2)
    cases = list(cases_of(card, 8))
    for position in (3, 7):
        weight = np.ones_like(cases[position].sample.target, dtype=np.float32)
        labels = cases[position].sample.target.copy()
        weight[:2, :4], labels[:2, :4] = 1e6, 1
        cases[position] = replace(cases[position], sample=replace(cases[position].sample, target=labels, weight=weight))
    torch.manual_seed(0)
    network = build_network(card.network).eval()
    recipe = Recipe(network=card.network, input=card.input, batch=4)
    settings = AdaptSettings(SLOW.part, lr=SLOW.lr, rivals=(FAST,), n_steps=16)
    assert run(adapt_network(network, card, recipe, Lessons(tuple(cases)), settings)).way == FAST
