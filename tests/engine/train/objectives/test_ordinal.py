"""Grades are learned as steps, and err to their neighbours."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from tiny_trainings import classify_recipe, draft_of, finish

from napari_medclf.domain.card import Task
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.output_spec import OutputSpec
from napari_medclf.domain.recipe import LossSettings
from napari_medclf.domain.results import Sample
from napari_medclf.engine.recipes.outputs import n_outputs, with_outputs
from napari_medclf.engine.train.cases import TrainCase
from napari_medclf.engine.train.fit import fit
from napari_medclf.engine.train.objectives.ordinal import steps_of
from napari_medclf.engine.train.settings import FitSettings

_SCHEMA = LabelSchema.from_names(["none", "mild", "severe", "worst"])


def _cases(n: int, first: int = 0) -> list[TrainCase]:
    cases = []
    for number in range(first, first + n):
        random = np.random.default_rng(number)
        image = random.normal(0.2 + 0.2 * (number % 4), 0.05, (1, 16, 16)).astype(np.float32)
        cases.append(TrainCase(f"shade-{number}", f"patient-{number}", Sample(image, np.asarray(number % 4))))
    return cases


def test_case_lies_above_all_lower_classes() -> None:
    assert steps_of(torch.tensor([0, 1, 3]), 4).tolist() == [[0, 0, 0], [1, 0, 0], [1, 1, 1]]


def test_grades_are_learned_and_calibrated(tmp_path: Path) -> None:
    recipe = classify_recipe(epochs=12, loss=LossSettings(kind="ordinal"))
    n = n_outputs(Task.CLASSIFY, _SCHEMA, recipe.loss.kind)
    recipe = recipe.model_copy(update={"network": with_outputs(recipe.network, n)})
    output = OutputSpec(schema=_SCHEMA, activation="ordinal")
    draft = draft_of(Task.CLASSIFY, recipe).model_copy(update={"output": output})
    fitted, _ = finish(fit(draft, recipe, _cases(48), _cases(16, 100), FitSettings(tmp_path)))
    assert n == 3
    assert fitted.val_metrics["val/kappa_quadratic"] > 0.8
    assert fitted.val_metrics["val/grade_error"] < 0.5
    assert fitted.card.is_calibrated
    assert fitted.card.output.temperature != 1
