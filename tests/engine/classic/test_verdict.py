from __future__ import annotations

import numpy as np
import pytest
from tiny_trainings import classify_recipe, draft_of, finish, shade_cases

from napari_medclf.domain.card import Task
from napari_medclf.engine.classic.verdict import answers_of
from napari_medclf.engine.train.fit import Fitted


def test_a_model_of_folds_answers_with_what_was_held_back():
    recipe = classify_recipe(epochs=1)
    unseen = np.array([[0.9, 0.1], [0.2, 0.8]])
    fitted = Fitted({}, draft_of(Task.CLASSIFY, recipe), (), 1, {}, 0.0, unseen=unseen)
    answers, _ = finish(answers_of(fitted, recipe, shade_cases(2), "cpu"))
    powers = np.exp(answers)
    assert powers / powers.sum(1, keepdims=True) == pytest.approx(unseen)
