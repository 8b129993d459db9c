"""A detector that shows all of its boxes: curves need those, too, that a person is not shown."""

from __future__ import annotations

from dataclasses import replace

from napari_medclf.domain.card import Task
from napari_medclf.domain.package import ModelPackage

LOWEST_SCORE = 0.01
"""What scores less says nothing; there are thousands of such boxes."""


def with_all_boxes(package: ModelPackage) -> ModelPackage:
    """Let a detector keep boxes of low scores; every other model stays as it is."""
    output = package.card.output
    if package.card.task is not Task.DETECT:
        return package
    lowered = output.model_copy(update={"smallest_score": min(output.smallest_score, LOWEST_SCORE), "thresholds": {}})
    return replace(package, card=package.card.model_copy(update={"output": lowered}))


def box_thresholds(package: ModelPackage) -> dict[str, float]:
    """Say from which score on a detector shows the boxes of each class."""
    output = package.card.output
    return {name: max(output.thresholds.get(name, 0.0), output.smallest_score) for name in package.card.schema_.names}
