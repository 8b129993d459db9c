"""Twins: their loss, how they are drawn, and that they are learned."""

from __future__ import annotations

import numpy as np
import pytest
import tiny_trainings as tiny
import torch
from scipy.special import logsumexp

from napari_medclf.domain.card import NetworkSpec, Task
from napari_medclf.domain.recipe import AugmentSettings
from napari_medclf.engine.pretrain.contrast import TEMPERATURE, Contrast, is_twin_nearest, twin_loss
from napari_medclf.engine.train.fit import fit
from napari_medclf.engine.train.settings import FitSettings


def test_loss_is_that_of_the_paper_written_out() -> None:
    answers = np.random.default_rng(0).normal(size=(6, 4))
    unit = answers / np.linalg.norm(answers, axis=1, keepdims=True)
    expected = []
    for one in range(6):
        twin = one + 1 if one % 2 == 0 else one - 1
        others = [unit[one] @ unit[other] / TEMPERATURE for other in range(6) if other != one]
        expected.append(logsumexp(others) - unit[one] @ unit[twin] / TEMPERATURE)
    assert float(twin_loss(torch.from_numpy(answers))) == pytest.approx(np.mean(expected))


def test_twins_that_agree_and_differ_from_others_cost_nothing() -> None:
    answers = torch.eye(4).repeat_interleave(2, 0) * 50
    assert is_twin_nearest(answers).all()
    assert float(twin_loss(answers)) < 0.05
    assert float(twin_loss(answers.roll(1, 0))) > 2


def test_batch_holds_every_image_twice_side_by_side() -> None:
    recipe = tiny.classify_recipe(batch=4)
    cases = tiny.shade_cases(8)
    batch = next(Contrast(recipe, cases, cases).batches(torch.Generator().manual_seed(0)))
    assert batch.targets.tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    torch.testing.assert_close(batch.images[0::2], batch.images[1::2])  # this recipe changes nothing


def test_twins_are_found_after_some_epochs(tmp_path) -> None:
    network = tiny.RESNET.model_copy(update={"arguments": {**tiny.RESNET.arguments, "num_classes": 8}})
    augment = AugmentSettings(gain=0.2, noise_sd=0.02)
    recipe = tiny.classify_recipe(epochs=6, batch=12, augment=augment).model_copy(update={"network": network})
    draft = tiny.draft_of(Task.CLASSIFY, recipe)
    train, val = tiny.shade_cases(24), tiny.shade_cases(12, 100)
    objective = Contrast(recipe, train, val)
    fitted, _ = tiny.finish(fit(draft, recipe, train, val, FitSettings(tmp_path), objective))
    assert fitted.val_metrics["val/twin_found"] > 3 / 23  # three times chance
    assert fitted.history[-1]["val/loss"] < fitted.history[0]["val/loss"]
    assert isinstance(network, NetworkSpec)
