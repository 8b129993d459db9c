from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_medclf.domain.recipe import LossSettings
from napari_medclf.engine.train.losses.edges import boundary_loss, edge_loss, signed_distance
from napari_medclf.engine.train.losses.targets import one_hot_map


def square(first: int, shape=(1, 12, 20)) -> torch.Tensor:
    labels = torch.zeros(shape, dtype=torch.long)
    labels[:, 3:8, first : first + 6] = 1
    return labels


def test_hausdorff_agrees_with_monai():
    from monai.losses import LogHausdorffDTLoss

    labels = square(4)
    logits = torch.randn(1, 2, 12, 20, generator=torch.Generator().manual_seed(0))
    theirs = LogHausdorffDTLoss(to_onehot_y=True, softmax=True)(logits, labels[:, None])
    weight = torch.ones(labels.shape)
    ours = edge_loss(logits.softmax(1), one_hot_map(labels, 2), weight, LossSettings(edge="hausdorff"))
    assert ours.item() == pytest.approx(theirs.item())


@pytest.mark.parametrize("edge", ["hausdorff", "boundary"])
def test_answer_further_away_costs_more(edge):
    truth, weight = one_hot_map(square(4), 2), torch.ones(1, 12, 20)
    costs = [
        edge_loss(one_hot_map(square(first), 2), truth, weight, LossSettings(edge=edge)).item() for first in (4, 6, 12)
    ]
    assert costs[0] < costs[1] < costs[2]


def test_boundary_loss_is_the_sum_of_probability_times_distance():
    truth = one_hot_map(square(4), 2)
    probabilities = torch.rand(1, 2, 12, 20, generator=torch.Generator().manual_seed(0))
    distances = torch.from_numpy(signed_distance(truth[0, 1].numpy() > 0))
    assert boundary_loss(probabilities, truth).item() == pytest.approx((probabilities[0, 1] * distances).mean().item())


def test_distance_is_negative_inside_and_grows_outwards():
    distances = signed_distance(square(4)[0].numpy() > 0)
    assert distances[5, 6] < 0
    assert distances[5, 4] == 0
    assert distances[5, 2] == 2
    assert distances[0, 7] == 3


def test_class_that_is_nowhere_adds_nothing():
    assert not signed_distance(np.zeros((4, 5), bool)).any()
    assert not signed_distance(np.ones((4, 5), bool)).any()
