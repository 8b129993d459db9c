from __future__ import annotations

import pytest
import torch
from tiny_trainings import draft_of, segment_recipe, square_cases
from torch import nn

from napari_medclf.domain.card import Task
from napari_medclf.domain.errors import OptionError
from napari_medclf.domain.recipe import LossSettings
from napari_medclf.engine.train.objectives.base import float_answers
from napari_medclf.engine.train.objectives.choose import choose_objective


class TwoScales(nn.Module):
    """Answers on two scales in training, as MONAI's SegResNetDS or (stacked) DynUNet do."""

    def __init__(self, *, is_stacked: bool) -> None:
        super().__init__()
        self.fine, self.coarse = nn.Conv2d(1, 2, 1), nn.Conv2d(1, 2, 1)
        self._is_stacked = is_stacked

    def forward(self, images):
        fine = self.fine(images)
        if self._is_stacked:
            return torch.stack([fine, self.coarse(images)], 1)
        return [fine, self.coarse(nn.functional.avg_pool2d(images, 2))]


def objective(**loss):
    recipe = segment_recipe(loss=LossSettings(**loss))
    return choose_objective(draft_of(Task.SEGMENT, recipe), recipe, square_cases(3), square_cases(2, 100))


@pytest.mark.parametrize("is_stacked", [False, True])
@pytest.mark.parametrize("is_deep", [False, True])
def test_deep_supervision_teaches_every_scale(is_stacked, is_deep):
    learned = objective(is_deeply_supervised=is_deep)
    network = TwoScales(is_stacked=is_stacked)
    learned.loss(network, next(learned.batches(torch.Generator().manual_seed(0)))).backward()
    assert network.fine.weight.grad.abs().sum() > 0
    assert (network.coarse.weight.grad is not None) == is_deep or network.coarse.weight.grad.abs().sum() == 0


def test_answers_of_any_form_come_as_scales():
    images = torch.zeros(2, 1, 8, 6)
    assert [one.shape for one in float_answers(TwoScales(is_stacked=True), images)] == [(2, 2, 8, 6)] * 2
    assert [one.shape for one in float_answers(TwoScales(is_stacked=False), images)] == [(2, 2, 8, 6), (2, 2, 4, 3)]
    assert len(float_answers(nn.Conv2d(1, 2, 1), images)) == 1


def test_rare_voxels_weigh_more_where_classes_are_balanced():
    batch = next(objective().batches(torch.Generator().manual_seed(0)))
    network = nn.Conv2d(1, 2, 1)
    with torch.no_grad():  # says background everywhere
        network.weight.zero_()
        network.bias.copy_(torch.tensor([3.0, -3.0]))
    plain, balanced = (objective(region="none", class_weight=kind) for kind in ("none", "balanced"))
    assert balanced.loss(network, batch) > plain.loss(network, batch)


def test_loss_of_another_task_is_refused_by_name():
    with pytest.raises(OptionError, match="bce"):
        objective(kind="bce")
