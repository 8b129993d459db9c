"""What each reader said about a case, opened and comparable."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_medclf.domain.card import Task
from napari_medclf.domain.errors import DatasetError

if TYPE_CHECKING:
    from napari_medclf.domain.arrays import LabelArray
    from napari_medclf.domain.geometry import Geometry
    from napari_medclf.store.project import ProjectCase, ProjectInfo, SavedAnnotation


@dataclass(frozen=True, eq=False)
class Reading:
    """One reader's newest finished answer for one case.

    Parameters
    ----------
    labels : (K, J, I) integer or None
        Where the answer has labels.
    classes : tuple of str or None
        Where it has image-level classes.
    """

    reader: str
    saved: SavedAnnotation
    labels: LabelArray | None = None
    geometry: Geometry | None = None
    classes: tuple[str, ...] | None = None


def readings_of(case: ProjectCase, readers: Sequence[str] = ()) -> tuple[Reading, ...]:
    """Open what readers said about a case; those who said nothing are left out.

    Parameters
    ----------
    readers : sequence of str
        Only these; all where none is named.

    Raises
    ------
    ReadError
        If a label image cannot be read.
    DatasetError
        If two label images do not have one grid.
    """
    found = [_open(name, case) for name in (readers or case.readers)]
    readings = tuple(one for one in found if one is not None)
    shapes = {one.labels.shape for one in readings if one.labels is not None}
    if len(shapes) > 1:
        raise DatasetError(f"{case.case_id}: the readers' labels have different grids: {sorted(shapes)}.")
    return readings


def dices(first: Reading, second: Reading, info: ProjectInfo) -> dict[str, float]:
    """Dice of every class of two readers' labels; NaN where both found nothing. Objects count as one foreground."""
    from napari_medclf.engine.metrics.readers import dice_of

    a, b = first.labels, second.labels
    if a is None or b is None:
        return {}
    if info.task is Task.INSTANCES:
        return {info.classes.foreground[0].name: dice_of(a != 0, b != 0)}
    return {one.name: dice_of(a == one.value, b == one.value) for one in info.classes.foreground}


def difference(first: Reading, second: Reading, info: ProjectInfo) -> float:
    """How far two readers are apart, from 0 (the same) to 1: 1 - the mean Dice, or whether their classes differ."""
    if first.classes is not None and second.classes is not None and set(first.classes) != set(second.classes):
        return 1.0
    defined = [value for value in dices(first, second, info).values() if value == value]
    return 1 - float(np.mean(defined)) if defined else 0.0


def _open(reader: str, case: ProjectCase) -> Reading | None:
    from napari_medclf.io.labels import read_label_map

    saved = case.answer_of(reader)
    if saved is None:
        return None
    if saved.label_map is None:
        return Reading(reader, saved, classes=saved.annotation.classes)
    found = read_label_map(saved.label_map.path, saved.label_map.member)
    return Reading(reader, saved, found.labels, found.geometry, saved.annotation.classes)
