"""Find the objective that belongs to a task."""

from __future__ import annotations

from collections.abc import Sequence

from napari_medclf.domain.card import ModelCard, Task
from napari_medclf.domain.errors import DatasetError
from napari_medclf.domain.recipe import Recipe
from napari_medclf.engine.train.cases import TrainCase
from napari_medclf.engine.train.objectives.base import Objective


def choose_objective(
    draft: ModelCard, recipe: Recipe, train: Sequence[TrainCase], val: Sequence[TrainCase]
) -> Objective:
    """Make the objective of a card's task and output.

    Raises
    ------
    DatasetError
        If the task cannot be learned here.
    """
    if draft.task is Task.REGRESS:
        from napari_medclf.engine.train.objectives.regress import Regress

        return Regress(recipe, draft.output, train, val)
    if draft.task is Task.DETECT:
        from napari_medclf.engine.train.objectives.detect import Detect

        return Detect(draft, recipe, train, val)
    if draft.output.activation == "ordinal":
        from napari_medclf.engine.train.objectives.ordinal import Ordinal

        return Ordinal(recipe, train, val, len(draft.schema_))
    if draft.task is Task.CLASSIFY and draft.output.activation == "sigmoid":
        from napari_medclf.engine.train.objectives.multi_label import MultiLabel

        return MultiLabel(recipe, train, val)
    if draft.task is Task.CLASSIFY:
        from napari_medclf.engine.train.objectives.classify import Classify

        return Classify(recipe, train, val, len(draft.schema_))
    if draft.task is Task.INSTANCES:
        from napari_medclf.engine.train.objectives.instances import Instances

        return Instances(recipe, train, val)
    if draft.task is Task.SEGMENT:
        from napari_medclf.engine.train.objectives.click_segment import ClickSegment
        from napari_medclf.engine.train.objectives.segment import Segment

        kind = ClickSegment if draft.input.clicks else Segment
        return kind(recipe, train, val, tuple(one.name for one in draft.schema_.foreground))
    raise DatasetError(f"A model to {draft.task} cannot be trained here.")
