"""Turn the cases of a dataset into what a network learns from, by the same `prepare` as in use."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from napari_medclf.domain.dataset import Case
from napari_medclf.domain.errors import MedclfError
from napari_medclf.domain.events import CaseFailed, Job, Progress
from napari_medclf.domain.input_spec import InputSpec
from napari_medclf.domain.results import Sample
from napari_medclf.jobs.case_reader import CaseReader
from napari_medclf.jobs.case_targets import target_of, target_of_slice

if TYPE_CHECKING:
    from napari_medclf.engine.train.cases import TrainCase

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
    target, weight = target_of(reader, case, image, prepared.grid)
    if spec.spatial_dims == 3:
        yield TrainCase(case.case_id, case.group_id, Sample(prepared.data, target, weight))
        return
    n_slices = prepared.data.shape[1]
    for k in range(n_slices):
        name = case.case_id if n_slices == 1 else f"{case.case_id}/{k}"
        sample = Sample(
            np.ascontiguousarray(prepared.data[:, k]),
            target_of_slice(reader.dataset.task, target, k),
            None if weight is None else weight[k],
        )
        yield TrainCase(name, case.group_id, sample)
