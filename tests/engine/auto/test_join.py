from __future__ import annotations

import pytest
import torch
from tiny_trainings import classify_recipe, draft_of, finish, segment_recipe, shade_cases, square_cases

from napari_medclf.domain.card import Task
from napari_medclf.domain.recipe import Way
from napari_medclf.engine.auto.join import join
from napari_medclf.engine.auto.members import fit_members
from napari_medclf.engine.auto.ways import plan_members
from napari_medclf.engine.networks import build_network
from napari_medclf.engine.train.settings import FitSettings


def joined(task, recipe, make, folder, shares):
    draft = draft_of(task, recipe)
    plans = plan_members(Way.SEEDS, 2, recipe, make(6), make(4, first=100), seed=0)
    members, _ = finish(fit_members(draft, plans, FitSettings(checkpoint_dir=folder)))
    return members, join(draft, members, shares)


def test_joined_model_answers_with_the_mean_of_its_members(tmp_path):
    recipe = classify_recipe(epochs=1)
    members, fitted = joined(Task.CLASSIFY, recipe, shade_cases, tmp_path, [0.5, 0.5])
    network = build_network(fitted.card.network)
    network.load_state_dict(fitted.state_dict)
    x = torch.randn(3, 1, 16, 16)
    parts = []
    for member in members:
        one = build_network(member.card.network)
        one.load_state_dict(member.state_dict)
        parts.append((one.eval()(x) / member.card.output.temperature).softmax(1))
    assert torch.allclose(network.eval()(x).softmax(1), torch.stack(parts).mean(0), atol=1e-6)
    assert fitted.card.output.temperature == 1.0
    assert fitted.card.is_calibrated


def test_segmenters_are_joined_too(tmp_path):
    members, fitted = joined(Task.SEGMENT, segment_recipe(epochs=1), square_cases, tmp_path, [0.5, 0.5])
    assert len(fitted.history) == 2
    assert len(fitted.state_dict) == 2 * len(members[0].state_dict)


@pytest.mark.parametrize("shares", [[1.0, 0.0], [0.0, 1.0]])
def test_the_only_member_that_counts_stays_what_it_is(tmp_path, shares):
    members, fitted = joined(Task.CLASSIFY, classify_recipe(epochs=1), shade_cases, tmp_path, shares)
    assert fitted is members[shares.index(1.0)]


def test_offsets_move_the_answer_of_each_member(tmp_path):
    recipe = classify_recipe(epochs=1)
    draft = draft_of(Task.CLASSIFY, recipe)
    plans = plan_members(Way.SEEDS, 1, recipe, shade_cases(6), shade_cases(4, first=100), seed=0)
    (member,), _ = finish(fit_members(draft, plans, FitSettings(checkpoint_dir=tmp_path)))
    fitted = join(draft, [member], [1.0], [(0.7, -0.7)])
    network, alone = build_network(fitted.card.network), build_network(member.card.network)
    network.load_state_dict(fitted.state_dict)
    alone.load_state_dict(member.state_dict)
    x = torch.randn(3, 1, 16, 16)
    expected = alone.eval()(x) / member.card.output.temperature + torch.tensor([0.7, -0.7])
    assert torch.allclose(network.eval()(x).softmax(1), expected.softmax(1), atol=1e-6)
