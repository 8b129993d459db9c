"""Learn the interior and the border of objects, so that touching ones come apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from napari_medclf.domain.recipe import Recipe
from napari_medclf.engine.augment.targets import interior_and_border
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
        super().__init__(recipe, _with_borders(train), _with_borders(val), ("interior", "border"))


def _with_borders(cases: Sequence[TrainCase]) -> tuple[TrainCase, ...]:
    return tuple(
        replace(case, sample=replace(case.sample, target=interior_and_border(case.sample.target))) for case in cases
    )
