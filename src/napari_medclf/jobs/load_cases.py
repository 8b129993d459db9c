"""Turn the cases of a dataset into what a network learns from, by the same `prepare` as in use."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from napari_medclf.domain.card import Task
from napari_medclf.domain.dataset import Case
from napari_medclf.domain.errors import MedclfError
from napari_medclf.domain.events import CaseFailed, Job, Progress
from napari_medclf.domain.input_spec import InputSpec
from napari_medclf.domain.results import Sample
from napari_medclf.jobs.case_reader import CaseReader

if TYPE_CHECKING:
    from napari_medclf.domain.arrays import FloatArray, LabelArray
    from napari_medclf.domain.image import MedImage
    from napari_medclf.domain.labels import LabelSchema
    from napari_medclf.engine.grid.grid_map import GridMap
    from napari_medclf.engine.train.cases import TrainCase

_EDITED_WEIGHT = 5.0
"""How much more a voxel counts that a person painted."""
_FEW = 200
"""With more cases than this, progress is told for some of them only."""


def load_cases(reader: CaseReader, cases: Sequence[Case], spec: InputSpec) -> Job[list[TrainCase]]:
    """Read and prepare cases; one that cannot be read is reported and left out.

    A 2D network gets every slice of a volume as a case of its own, in the volume's group.
    """
    loaded: list[TrainCase] = []
    for position, case in enumerate(cases):
        if len(cases) < _FEW or position % 50 == 0:
            yield Progress(position, len(cases), f"loading {case.case_id}")
        try:
            loaded += _prepare_case(reader, case, spec)
        except MedclfError as error:
            path = next(iter(case.images.values())).path
            yield CaseFailed(case.case_id, path, str(error))
    return loaded


def _prepare_case(reader: CaseReader, case: Case, spec: InputSpec) -> Iterator[TrainCase]:
    from napari_medclf.engine.prepare import prepare
    from napari_medclf.engine.train.cases import TrainCase

    image = reader.image(case)
    prepared = prepare(image, spec)
    target, weight = _target(reader, case, image, prepared.grid)
    if spec.spatial_dims == 3:
        yield TrainCase(case.case_id, case.group_id, Sample(prepared.data, target, weight))
        return
    n_slices = prepared.data.shape[1]
    for k in range(n_slices):
        name = case.case_id if n_slices == 1 else f"{case.case_id}/{k}"
        is_map = target.ndim > 0
        sample = Sample(
            np.ascontiguousarray(prepared.data[:, k]),
            target[k] if is_map else target,
            None if weight is None else weight[k],
        )
        yield TrainCase(name, case.group_id, sample)


def _target(reader: CaseReader, case: Case, image: MedImage, grid: GridMap) -> tuple[LabelArray, FloatArray | None]:
    if reader.dataset.task is Task.CLASSIFY:
        return np.asarray(reader.class_index(case), dtype=np.int64), None
    labels = reader.reference(case, image).labels
    edited = reader.edits(case, image)
    weight = None
    if edited is not None:
        painted = grid.forward_labels(edited.astype(np.uint8)) > 0
        weight = np.where(painted, _EDITED_WEIGHT, 1.0).astype(np.float32)
    on_grid = grid.forward_labels(labels)
    if reader.dataset.task is Task.INSTANCES:
        return on_grid, weight  # `fit` makes background, interior and border of it
    return channel_indices(on_grid, reader.dataset.schema), weight


def channel_indices(labels: LabelArray, schema: LabelSchema) -> LabelArray:
    """Turn label values into positions of the network's output channels: 0, then the foreground in order."""
    highest = max(int(labels.max(initial=0)), *schema.values, 0)
    table = np.zeros(highest + 1, dtype=np.int64)
    for channel, one in enumerate(schema.foreground, start=1):
        table[one.value] = channel
    return np.asarray(table[labels])
