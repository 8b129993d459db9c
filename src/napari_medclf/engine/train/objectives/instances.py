"""Learn the interior and the border of objects, so that touching ones come apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from napari_medclf.domain.recipe import Recipe
from napari_medclf.domain.results import Sample
from napari_medclf.engine.augment.targets import interior_and_border, is_between_objects
from napari_medclf.engine.train.cases import TrainCase
from napari_medclf.engine.train.objectives.segment import Segment


class Instances(Segment):
    """Background, interior and border of objects.

    Parameters
    ----------
    train, val : sequence of TrainCase
        Their target numbers the objects from 1.
    """

    def __init__(self, recipe: Recipe, train: Sequence[TrainCase], val: Sequence[TrainCase]) -> None:
        weight = recipe.loss.touching_weight
        super().__init__(recipe, _with_borders(train, weight), _with_borders(val), ("interior", "border"))


def _with_borders(cases: Sequence[TrainCase], touching_weight: float = 1.0) -> tuple[TrainCase, ...]:
    return tuple(replace(case, sample=_with_border(case.sample, touching_weight)) for case in cases)


def _with_border(sample: Sample, touching_weight: float) -> Sample:
    objects = np.asarray(sample.target)
    weight = sample.weight
    if touching_weight != 1:
        near = np.where(is_between_objects(objects), np.float32(touching_weight), np.float32(1))
        weight = near if weight is None else weight * near
    return replace(sample, target=interior_and_border(objects), weight=weight)
