"""Hidden blocks: what is hidden, what is told of it, and that it is learned."""

from __future__ import annotations

import numpy as np
import pytest
import tiny_trainings as tiny
import torch

from napari_medclf.domain.card import Task
from napari_medclf.engine.pretrain.masked import LEVELS, Masked, hide, level_edges, with_levels
from napari_medclf.engine.train.batch import Batch
from napari_medclf.engine.train.fit import fit
from napari_medclf.engine.train.settings import FitSettings


def test_levels_are_quarters_of_all_samples() -> None:
    cases = tiny.square_cases(4)
    labelled = with_levels(cases, level_edges(cases))
    counts = np.bincount(np.concatenate([case.sample.target.ravel() for case in labelled]))
    np.testing.assert_allclose(counts / counts.sum(), 0.25, atol=0.01)
    assert len(LEVELS) == 4


def test_mostly_black_images_have_levels_too() -> None:
    cases = tiny.square_cases(3)
    for case in cases:
        case.sample.image[case.sample.image < 0.5] = 0
    edges = level_edges(cases)
    assert (np.diff(edges) > 1e-4).all()


@pytest.mark.parametrize("size", [(32, 48), (9, 24, 32)])
def test_hidden_blocks_take_the_mean_and_seen_voxels_stay(size: tuple[int, ...]) -> None:
    images = torch.rand(6, 2, *size)
    batch = hide(Batch(images, torch.zeros(6, *size, dtype=torch.int64)), torch.Generator().manual_seed(1))
    is_hidden = batch.weight == 1
    assert 0.3 < float(is_hidden.float().mean()) < 0.7
    for channel in range(2):
        seen = ~is_hidden
        assert torch.equal(batch.images[:, channel][seen], images[:, channel][seen])
        mean = images[:, channel].flatten(1).mean(1).view(-1, *[1] * len(size)).expand(-1, *size)
        torch.testing.assert_close(batch.images[:, channel][is_hidden], mean[is_hidden])


def test_hidden_brightness_is_learned(tmp_path) -> None:
    network = tiny.UNET.model_copy(update={"arguments": {**tiny.UNET.arguments, "out_channels": 4}})
    recipe = tiny.segment_recipe(epochs=4, samples_per_epoch=8).model_copy(update={"network": network})
    train, val = tiny.square_cases(4), tiny.square_cases(2, 100)
    edges = level_edges(train)
    train, val = with_levels(train, edges), with_levels(val, edges)
    fitted, _ = tiny.finish(
        fit(tiny.draft_of(Task.SEGMENT, recipe), recipe, train, val, FitSettings(tmp_path), Masked(recipe, train, val))
    )
    assert fitted.history[-1]["val/loss"] < fitted.history[0]["val/loss"]
    assert 0 < fitted.val_metrics["val/hidden_accuracy"] <= 1
