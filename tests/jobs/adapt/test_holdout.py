"""Whom the program holds out on its own account."""

from __future__ import annotations

import pytest

from napari_medclf.domain.card import Task
from napari_medclf.domain.dataset import FileRef
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.jobs.adapt.holdout import finished_cases, learnable_cases, ready_holdout
from napari_medclf.store.project import Project


@pytest.fixture
def project(tmp_path) -> Project:
    return Project.create(
        tmp_path / "chests", name="chests", task=Task.CLASSIFY, classes=LabelSchema.from_names(["well", "ill"])
    )


def _say(project: Project, number: int, patient: int, said: str) -> None:
    from napari_medclf.domain.annotation import Annotation, Origin

    case = project.add_case(
        FileRef(project.folder / f"{number}.png"), image_digest=f"{number:064d}", group_id=f"p{patient}"
    )
    project.save_annotation(
        Annotation(
            case_id=case.case_id, group_id=case.group_id, image_digest=case.image_digest, classes=(said,),
            origin=Origin.MANUAL, author="me", created="2026-11-21T10:00:00+00:00",
        )
    )  # fmt: skip


def _ready(project: Project, learned=(), fraction=0.25):
    return ready_holdout(project, finished_cases(project), learned, fraction)


def test_nobody_is_held_out_before_there_are_four_patients(project: Project) -> None:
    for number in range(6):
        _say(project, number, number // 2, "ill")
    assert _ready(project) is None
    _say(project, 6, 3, "well")
    assert len(_ready(project).groups) == 1
    for number in range(7, 27):
        _say(project, number, number, "ill")
    assert len(_ready(project).groups) == 6  # a quarter of 24


def test_patients_are_held_out_whole_and_of_every_class(project: Project) -> None:
    for number in range(40):
        _say(project, number, number // 2, "ill" if number < 34 else "well")
    holdout = _ready(project)
    assert len(holdout.groups) == 5
    assert len(holdout.members) == 10
    said = {one.case.case_id: one.answer.annotation.classes[0] for one in finished_cases(project)}
    assert {said[one.case_id] for one in holdout.members} == {"ill", "well"}
    left = learnable_cases(finished_cases(project), holdout)
    assert len(left) == 30
    assert not {one.case.group_id for one in left} & holdout.groups


def test_hold_out_grows_with_the_project_by_patients_nobody_learned_from(project: Project) -> None:
    for number in range(8):
        _say(project, number, number, "ill")
    first = _ready(project)
    learned = [one.case.case_id for one in learnable_cases(finished_cases(project), first)]
    for number in range(8, 20):
        _say(project, number, number, "ill")
    grown = _ready(project, learned)
    assert first.groups < grown.groups
    assert len(grown.groups) == 5
    known = {one.case.case_id: one.case.group_id for one in finished_cases(project)}
    assert not grown.groups & {known[name] for name in learned}


def test_further_image_of_a_held_out_patient_joins(project: Project) -> None:
    for number in range(4):
        _say(project, number, number, "ill")
    first = _ready(project)
    patient = int(sorted(first.groups)[0][1:])
    _say(project, 50, patient, "well")
    assert len(_ready(project).members) == len(first.members) + 1


def test_fraction_of_zero_holds_nobody_out(project: Project) -> None:
    for number in range(8):
        _say(project, number, number, "ill")
    assert _ready(project, fraction=0.0) is None
