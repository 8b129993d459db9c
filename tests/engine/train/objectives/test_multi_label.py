from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tiny_trainings import classify_recipe, draft_of, finish, shade_cases

from napari_medclf.domain.card import Task
from napari_medclf.domain.errors import OptionError
from napari_medclf.domain.recipe import LossSettings
from napari_medclf.engine.train.fit import fit
from napari_medclf.engine.train.objectives.choose import choose_objective
from napari_medclf.engine.train.settings import FitSettings


def corner_cases(n: int, first: int = 0):
    """Class 0: the upper half is bright; class 1: the lower half is; both, one or none."""
    cases = []
    for case, number in zip(shade_cases(n, first), range(n), strict=True):
        image = np.random.default_rng(first + number).normal(0.3, 0.05, (1, 16, 16)).astype(np.float32)
        image[:, :8] += 0.5 * (number % 2)
        image[:, 8:] += 0.5 * (number // 2 % 2)
        target = np.array([number % 2, number // 2 % 2], np.float32)
        cases.append(replace(case, sample=replace(case.sample, image=image, target=target)))
    return cases


def draft(recipe):
    made = draft_of(Task.CLASSIFY, recipe)
    return made.model_copy(update={"output": made.output.model_copy(update={"activation": "sigmoid"})})


def test_classes_that_exclude_nothing_are_learned_and_given_thresholds(tmp_path):
    recipe = classify_recipe(epochs=15, loss=LossSettings(kind="bce", class_weight="balanced", label_smoothing=0.05))
    job = fit(draft(recipe), recipe, corner_cases(32), corner_cases(24, 100), FitSettings(tmp_path))
    fitted, _ = finish(job)
    assert fitted.val_metrics["val/auc"] > 0.9
    assert set(fitted.card.output.thresholds) == {"dark", "bright"}
    assert fitted.card.is_calibrated


@pytest.mark.parametrize("kind", ["ce", "ordinal", "mse"])
def test_loss_of_another_task_is_refused_by_name(kind):
    recipe = classify_recipe(loss=LossSettings(kind=kind))
    with pytest.raises(OptionError, match=kind):
        choose_objective(draft(recipe), recipe, corner_cases(4), corner_cases(4, 100))
