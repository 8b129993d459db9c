"""The finished cases of a project as a data set to learn from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from napari_medclf.domain.card import Task
from napari_medclf.domain.dataset import Case, Dataset
from napari_medclf.domain.errors import DatasetError
from napari_medclf.store.project_case import ProjectCase, SavedAnnotation
from napari_medclf.store.project_entries import ProjectInfo


def finished_dataset(folder: Path, info: ProjectInfo, cases: Sequence[ProjectCase]) -> Dataset:
    """Take the cases whose answer counts.

    Raises
    ------
    DatasetError
        If nothing is finished yet.
    """
    done = [(case, case.answer) for case in cases if case.answer is not None]
    usable = [(case, answer) for case, answer in done if answer is not None and is_usable(answer, info.task)]
    lost = len(done) - len(usable)
    if not usable:
        raise DatasetError(f"{folder}: no case is finished yet; correct or accept some first.")
    return Dataset(
        name=info.name,
        task=info.task,
        schema=info.classes,
        cases=tuple(learnable(case, answer) for case, answer in usable),
        path=folder,
        warnings=(f"{lost} finished cases have no labels or classes for this task, or are unsure; they are not used.",)
        if lost
        else (),
        is_exclusive=info.is_exclusive,
    )


def is_usable(answer: SavedAnnotation, task: Task) -> bool:
    """Tell whether an answer says what the task needs, and was given without doubt."""
    if answer.annotation.is_unsure:
        return False
    if task is Task.CLASSIFY:
        return answer.annotation.classes is not None
    return answer.label_map is not None and answer.label_map.path.is_file()


def learnable(case: ProjectCase, answer: SavedAnnotation) -> Case:
    """Describe a case with one of its answers as something to learn from."""
    return Case(
        case_id=case.case_id,
        group_id=case.group_id,
        images={"image": case.image},
        label_map=answer.label_map,
        edited_mask=answer.edited_mask,
        facts=case.facts,
        classes=answer.annotation.classes or (),
    )
