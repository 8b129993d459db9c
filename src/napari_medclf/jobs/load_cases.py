"""Turn the cases of a dataset into what a network learns from, by the same `prepare` as in use."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from napari_medclf.domain.dataset import Case
from napari_medclf.domain.errors import DatasetError, MedclfError
from napari_medclf.domain.events import CaseFailed, Job, Progress, Warned
from napari_medclf.domain.input_spec import InputSpec
from napari_medclf.domain.results import Sample
from napari_medclf.jobs.case_reader import CaseReader
from napari_medclf.jobs.case_targets import target_of, target_of_slice

if TYPE_CHECKING:
    from napari_medclf.domain.image import MedImage
    from napari_medclf.engine.train.cases import TrainCase

_FEW = 200
"""With more cases than this, progress is told for some of them only."""


def load_cases(reader: CaseReader, cases: Sequence[Case], spec: InputSpec) -> Job[list[TrainCase]]:
    """Read and prepare cases; one that cannot be read is reported and left out.

    A 2D network gets every slice of a volume as a case of its own, in the volume's group.

    Raises
    ------
    DatasetError
        If not one of them can be used.
    """
    loaded: list[TrainCase] = []
    reasons: list[str] = []
    holed: list[str] = []
    for position, case in enumerate(cases):
        if len(cases) < _FEW or position % 50 == 0:
            yield Progress(position, len(cases), f"loading {case.case_id}")
        try:
            image = reader.image(case)
            loaded += _prepare_case(reader, case, image, spec)
            holed += [case.case_id] if _has_holes(image) else []
        except MedclfError as error:
            path = next(iter(case.images.values())).path
            yield CaseFailed(case.case_id, path, str(error))
            reasons.append(str(error))
    if reasons and len(reasons) == len(cases):
        raise DatasetError(f"Not one of {len(cases)} cases can be learned from. The first: {reasons[0]}")
    if reasons:
        yield Warned(
            f"{len(reasons)} of {len(cases)} cases cannot be learned from and are left out; `medclf dataset check` "
            f"says why. The first: {reasons[0]}"
        )
    if holed:
        yield Warned(
            f"{len(holed)} of {len(cases)} images have samples that are no finite number (NaN or infinite), such as "
            f"{holed[0]}: they count as the lowest value. Mend these images, or leave them out with --exclude."
        )
    return loaded


def _has_holes(image: MedImage) -> bool:
    return image.data.dtype.kind not in "biu" and not np.isfinite(np.asarray(image.data)).all()


def _prepare_case(reader: CaseReader, case: Case, image: MedImage, spec: InputSpec) -> Iterator[TrainCase]:
    from napari_medclf.engine.prepare import prepare
    from napari_medclf.engine.train.cases import TrainCase

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
