"""What is right for a case, as a network learns it: a class, classes, numbers, boxes, or a label for every voxel."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_medclf.domain.card import Task

if TYPE_CHECKING:
    from napari_medclf.domain.arrays import FloatArray, LabelArray
    from napari_medclf.domain.dataset import Case
    from napari_medclf.domain.image import MedImage
    from napari_medclf.domain.labels import LabelSchema
    from napari_medclf.domain.results import Target
    from napari_medclf.engine.grid.grid_map import GridMap
    from napari_medclf.jobs.case_reader import CaseReader

_EDITED_WEIGHT = 2.0
"""How much more a voxel counts that a person painted; with 5 a network learns the strokes and forgets the rest."""
_REACH_VOX = 0.49
"""Half a slice, less than what rounding adds to a box that ends between two."""


def target_of(reader: CaseReader, case: Case, image: MedImage, grid: GridMap) -> tuple[Target, FloatArray | None]:
    """Read what is right for a case, on the model grid; and how much each voxel counts, where that is known.

    Returns
    -------
    target, weight
        As `domain.results.Sample` has them.

    Raises
    ------
    DatasetError
        If the case does not say it.
    """
    task = reader.dataset.task
    if task is Task.CLASSIFY:
        return _classes(reader, case), None
    if task is Task.REGRESS:
        return _numbers(case, reader.dataset.schema), None
    if task is Task.DETECT:
        return _boxes(reader, case, image, grid), None
    return _labels(reader, case, image, grid)


def target_of_slice(task: Task, target: Target, k: int) -> Target:
    """Tell what is right for one slice of a volume that a 2D network sees alone."""
    if task.is_of_whole_image:
        return target
    if task is not Task.DETECT:
        return np.asarray(target[k])
    is_here = (target[:, 0] < k + _REACH_VOX) & (target[:, 3] > k - _REACH_VOX)
    return np.asarray(target[is_here][:, [1, 2, 4, 5, 6]])


def channel_indices(labels: LabelArray, schema: LabelSchema) -> LabelArray:
    """Turn label values into positions of the network's output channels: 0, then the foreground in order."""
    highest = max(int(labels.max(initial=0)), *schema.values, 0)
    table = np.zeros(highest + 1, dtype=np.int64)
    for channel, one in enumerate(schema.foreground, start=1):
        table[one.value] = channel
    return np.asarray(table[labels])


def _classes(reader: CaseReader, case: Case) -> Target:
    if reader.dataset.is_exclusive:
        return np.asarray(reader.class_index(case), dtype=np.int64)
    schema = reader.dataset.schema
    present = {schema.named(name).name for name in case.classes}
    return np.array([name in present for name in schema.names], dtype=np.float32)


def _numbers(case: Case, schema: LabelSchema) -> FloatArray:
    return np.array([case.values.get(name, np.nan) for name in schema.names], dtype=np.float32)


def _boxes(reader: CaseReader, case: Case, image: MedImage, grid: GridMap) -> FloatArray:
    from napari_medclf.engine.detection.found import Found
    from napari_medclf.engine.detection.home import forward_boxes

    found = Found.of(reader.boxes(case, image))
    placed = forward_boxes(found.boxes, grid)
    is_there = (placed[:, 1] > placed[:, 0]).all(axis=1)
    rows = np.column_stack([placed.reshape(-1, 6), found.classes])[is_there]
    return np.asarray(rows, dtype=np.float32)


def _labels(reader: CaseReader, case: Case, image: MedImage, grid: GridMap) -> tuple[LabelArray, FloatArray | None]:
    labels = reader.reference(case, image).labels
    edited = reader.edits(case, image)
    weight = None
    if edited is not None:
        painted = grid.forward_labels(edited.astype(np.uint8)) > 0
        weight = np.where(painted, _EDITED_WEIGHT, 1.0).astype(np.float32)
    on_grid = grid.forward_labels(labels)
    if reader.dataset.task is Task.INSTANCES:
        return on_grid, weight  # the objective makes background, interior and border of it
    return channel_indices(on_grid, reader.dataset.schema), weight
