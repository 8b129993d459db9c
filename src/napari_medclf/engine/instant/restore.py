"""Bring changed logits home: labels on the image's own grid, and how probable they are."""

from __future__ import annotations

import numpy as np

from napari_medclf.domain.arrays import FloatArray, LabelArray
from napari_medclf.domain.card import ModelCard, Task
from napari_medclf.engine.answers.labels_home import LabelsHome
from napari_medclf.engine.decide import activate, values_of_channels
from napari_medclf.engine.grid.grid_map import GridMap
from napari_medclf.engine.instances.channels import activate_channels
from napari_medclf.engine.instances.find import find_instances
from napari_medclf.engine.instances.numbers import number_without_gaps
from napari_medclf.engine.tidy import keep_largest, remove_small_objects


def labels_home(logits: FloatArray, grid: GridMap, card: ModelCard, axis: int, *, is_whole: bool = False) -> LabelArray:
    """Turn logits (C, K, J, I) of a model grid into labels on its source grid, as a prediction does.

    Parameters
    ----------
    card : ModelCard
        Of a network that answers with logits (`Scene.logits_card`).
    is_whole : bool
        Whether this is all of an image, so that small objects are removed and the largest ones chosen.
    """
    if card.task is Task.INSTANCES:
        return _number(logits, grid, card)
    home = LabelsHome(grid, card, axis)
    home.take(0, logits)
    labels = home.finish()
    if is_whole:
        output = card.output
        keep_largest(labels, output.schema_, output.largest_only)
        remove_small_objects(labels, output.schema_, output.min_object_vox * grid.source_vox_per_model_vox)
    return labels


def probability_home(logits: FloatArray, labels: LabelArray, grid: GridMap, card: ModelCard) -> FloatArray:
    """Give the probability (K, J, I) float32, on the source grid, of the labels that stand there."""
    chances = logits.copy()
    if card.task is Task.INSTANCES:
        activate_channels(chances, card.output)
        foreground = _object_chance(grid.restore(chances), card)
        return np.asarray(np.where(labels > 0, foreground, 1 - foreground), dtype=np.float32)
    activate(chances, card.output)
    home = grid.restore(chances)
    values = values_of_channels(card.output.schema_, has_background=card.output.has_background_channel)
    found = 1 - home.max(axis=0) if not card.output.has_background_channel else home[0].copy()
    for channel, value in enumerate(values.tolist()):
        np.copyto(found, home[channel], where=labels == value)
    return np.clip(found, 0, 1).astype(np.float32)


def chance_of(chances: FloatArray, value: int, card: ModelCard) -> FloatArray:
    """Give the probability (N,) of a label value from those of the channels (N, C)."""
    if card.task is Task.INSTANCES:
        of_object = _object_chance(chances.T, card)
        return of_object if value > 0 else 1 - of_object
    values = values_of_channels(card.output.schema_, has_background=card.output.has_background_channel).tolist()
    if value in values:
        return chances[:, values.index(value)]
    return np.asarray(1 - chances.max(axis=1))


def _object_chance(chances: FloatArray, card: ModelCard) -> FloatArray:
    if card.output.instances == "border":
        return np.asarray(1 - chances[0])
    is_first = card.output.instances == "flows" or not card.output.has_background_channel
    return chances[0 if is_first else 1]


def _number(logits: FloatArray, grid: GridMap, card: ModelCard) -> LabelArray:
    """Tell objects apart, as `answers.objects` does."""
    output, is_3d = card.output, card.input.spatial_dims == 3
    channels = logits.copy()
    activate_channels(channels, output)
    if output.instances in ("flows", "hover"):
        objects = find_instances(
            channels, output, min_object_vox=output.min_object_vox, is_3d=is_3d, spacing=grid.model.spacing
        )
        return number_without_gaps(grid.restore_labels(objects))
    smallest = output.min_object_vox * grid.source_vox_per_model_vox
    return find_instances(
        grid.restore(channels), output, min_object_vox=smallest, is_3d=is_3d, spacing=grid.source.spacing
    )
