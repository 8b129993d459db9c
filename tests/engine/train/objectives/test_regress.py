"""Numbers are learned on their own scale, and come back in their units."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_trainings import classify_recipe, draft_of, finish

from napari_medclf.domain.card import ModelCard, Task
from napari_medclf.domain.errors import OptionError
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.output_spec import OutputSpec, Quantity
from napari_medclf.domain.recipe import LossSettings, Recipe
from napari_medclf.domain.results import Sample
from napari_medclf.engine.recipes.outputs import with_outputs
from napari_medclf.engine.train.cases import TrainCase
from napari_medclf.engine.train.fit import fit
from napari_medclf.engine.train.objectives.regress import Regress, number_loss
from napari_medclf.engine.train.settings import FitSettings

_OUTPUT = OutputSpec(
    schema=LabelSchema.from_names(["age", "dose"], first_value=1),
    quantities=(Quantity(unit="a", mean=50, sd=14.4), Quantity(mean=0.5, sd=0.14)),
)


def _cases(n: int, first: int = 0) -> list[TrainCase]:
    """Brightness is the age in hundred years; the dose is known of every other case."""
    cases = []
    for number in range(first, first + n):
        random = np.random.default_rng(number)
        shade = random.uniform(0.25, 0.75)
        image = random.normal(shade, 0.02, (1, 16, 16)).astype(np.float32)
        target = np.array([100 * shade, shade if number % 2 else np.nan], dtype=np.float32)
        cases.append(TrainCase(f"shade-{number}", f"patient-{number}", Sample(image, target)))
    return cases


def _recipe(**changes) -> Recipe:
    recipe = classify_recipe(**changes)
    return recipe.model_copy(update={"network": with_outputs(recipe.network, 2)})


def _draft(recipe: Recipe) -> ModelCard:
    return draft_of(Task.CLASSIFY, recipe).model_copy(update={"task": Task.REGRESS, "output": _OUTPUT})


@pytest.mark.parametrize(("kind", "expected"), [("auto", 4.0), ("mse", 4.0), ("mae", 2.0), ("huber", 1.5)])
def test_unknown_numbers_count_for_nothing(kind: str, expected: float) -> None:
    targets = torch.tensor([[1.0, float("nan")], [float("nan"), 5.0]])
    answers = torch.tensor([[3.0, 77.0], [88.0, 7.0]], requires_grad=True)
    loss = number_loss(answers, targets, kind)
    loss.backward()
    assert loss.item() == expected
    assert answers.grad is not None
    assert answers.grad.isfinite().all()
    assert answers.grad[0, 1] == answers.grad[1, 0] == 0


def test_a_brightness_is_learned_in_its_unit(tmp_path: Path) -> None:
    recipe = _recipe(epochs=12)
    fitted, _ = finish(fit(_draft(recipe), recipe, _cases(48), _cases(16, 100), FitSettings(tmp_path)))
    assert fitted.val_metrics["val/mae/age"] < 7  # guessing the mean errs by 12.5
    assert fitted.val_metrics["val/r2/age"] > 0.5
    assert "val/mae" not in fitted.val_metrics


def test_loss_of_classes_is_refused() -> None:
    with pytest.raises(OptionError, match="no loss for numbers 'focal'"):
        Regress(_recipe(loss=LossSettings(kind="focal")), _OUTPUT, _cases(4), _cases(4, 10))
