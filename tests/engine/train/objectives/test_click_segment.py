"""Half of the samples are shown with clicks into what the network answers wrongly by itself."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tiny_trainings import draft_of, segment_recipe, square_cases
from torch import nn

from napari_medclf.domain.card import Task
from napari_medclf.domain.errors import OptionError
from napari_medclf.engine.train.objectives.choose import choose_objective
from napari_medclf.engine.train.objectives.click_segment import ClickSegment


class Listens(nn.Module):
    """Finds nothing, and keeps what it was shown."""

    def __init__(self) -> None:
        super().__init__()
        self.final = nn.Conv2d(1, 2, 1)
        nn.init.zeros_(self.final.weight)
        with torch.no_grad():
            self.final.bias.copy_(torch.tensor([1.0, 0.0]))
        self.shown: list[torch.Tensor] = []

    def forward(self, images):
        self.shown.append(images.detach().clone())
        return self.final(images[:, :1])


def _objective(clicks=(0, 1)):
    recipe = segment_recipe(batch=8, samples_per_epoch=64, foreground=1.0)
    recipe = recipe.model_copy(update={"input": recipe.input.model_copy(update={"clicks": clicks})})
    return choose_objective(draft_of(Task.SEGMENT, recipe), recipe, square_cases(3), square_cases(2, 100))


def test_clicks_lie_on_mistakes_of_half_of_the_samples():
    torch.manual_seed(0)
    objective, network = _objective(), Listens()
    assert isinstance(objective, ClickSegment)
    n_clicked = n_samples = 0
    for batch in objective.batches(torch.Generator().manual_seed(0)):
        network.shown.clear()
        objective.loss(network, batch).backward()
        n_samples += len(batch.images)
        if network.shown[-1].shape[1] == 1:  # nobody clicked in this batch
            continue
        alone, clicked = network.shown
        assert torch.equal(alone, batch.images)
        assert torch.equal(clicked[:, :1], batch.images)
        for target, clicks in zip(batch.targets, clicked[:, 1:], strict=True):
            middles = np.argwhere(clicks[1].numpy() == 1)
            assert not clicks[0].any()  # it never says square, so that background is never wrong
            assert all(target[tuple(place)] == 1 for place in middles)
            n_clicked += bool(len(middles))
    assert n_samples == 64
    assert 20 <= n_clicked <= 44


def test_as_many_channels_of_clicks_as_classes_are_needed():
    with pytest.raises(OptionError, match="takes clicks of 3 classes, and the data has 2 with background"):
        _objective(clicks=(0, 1, 2))
