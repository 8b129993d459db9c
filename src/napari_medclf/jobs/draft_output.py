"""What a model to be returns: how its answers are read follows from the data and the recipe."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from napari_medclf.domain.card import Task
from napari_medclf.domain.dataset import Dataset, Split
from napari_medclf.domain.errors import DatasetError, OptionError
from napari_medclf.domain.output_spec import OutputSpec, Quantity

if TYPE_CHECKING:
    from napari_medclf.domain.labels import LabelSchema
    from napari_medclf.domain.recipe import Recipe

_SMALLEST_SCORE, _NMS_IOU = 0.05, 0.3
"""Of a detector before it was validated, which chooses a score of its own."""


def draft_output(
    dataset: Dataset, schema: LabelSchema, recipe: Recipe, units: Mapping[str, str] | None = None
) -> OutputSpec:
    """Begin the output of a card.

    Parameters
    ----------
    schema : LabelSchema
        The data's classes, as the card describes them.
    units : dict or None
        Name of a quantity to its UCUM code, for regression.

    Raises
    ------
    OptionError
        If an order is to be learned of classes that may come together.
    DatasetError
        If a quantity is the same in all training cases.
    """
    given: dict[str, Any] = {
        "schema": schema,
        "mirror_axes": recipe.mirror_axes,
        "min_object_vox": recipe.min_object_vox,
    }
    if dataset.task is Task.CLASSIFY:
        return OutputSpec(**given, activation=_activation(dataset, recipe))
    if dataset.task is Task.REGRESS:
        return OutputSpec(**given, quantities=_quantities(dataset, dict(units or {})))
    if dataset.task is Task.DETECT:
        given |= {"activation": "sigmoid", "has_background_channel": False}
        return OutputSpec(**given, smallest_score=_SMALLEST_SCORE, nms_iou=_NMS_IOU)
    return OutputSpec(**given)


def _activation(dataset: Dataset, recipe: Recipe) -> Literal["softmax", "sigmoid", "ordinal"]:
    if recipe.loss.kind == "ordinal":
        if not dataset.is_exclusive:
            raise OptionError(
                f"{dataset.path}: its cases may have several classes at once, which have no order to learn. Choose "
                "another loss than ordinal, or one column with --label-columns."
            )
        return "ordinal"
    return "softmax" if dataset.is_exclusive and recipe.loss.kind != "bce" else "sigmoid"


def _quantities(dataset: Dataset, units: Mapping[str, str]) -> tuple[Quantity, ...]:
    strange = sorted(set(units) - set(dataset.schema.names))
    if strange:
        raise OptionError(f"A unit is given for {strange[0]!r}, which is none of {', '.join(dataset.schema.names)}.")
    return tuple(_quantity(dataset, name, units.get(name, "")) for name in dataset.schema.names)


def _quantity(dataset: Dataset, name: str, unit: str) -> Quantity:
    known = [case.values[name] for case in dataset.in_split(Split.TRAIN) if name in case.values]
    if np.unique(known).size < 2:
        raise DatasetError(
            f"{dataset.path}: {name} is {known[0] if known else 'not known'} in all training cases; there is nothing "
            "to learn about it. Leave its column out with --label-columns."
        )
    return Quantity(unit=unit, mean=float(np.mean(known)), sd=float(np.std(known)))
