"""Seconds a case and gain a minute, from what was kept."""

from __future__ import annotations

import pytest

from napari_medclf.domain.annotation import Annotation, Origin, Status
from napari_medclf.domain.card import Task
from napari_medclf.domain.dataset import FileRef
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.revision import DataRevision, LearnedBy, ModelRevision
from napari_medclf.domain.verdict import Change, Judgement, Verdict
from napari_medclf.jobs.worklist.effort import effort_of, gains_of
from napari_medclf.store.project import Project


@pytest.fixture
def project(tmp_path):
    schema = LabelSchema.from_names(["ill", "well"])
    project = Project.create(tmp_path / "p", name="eyes", task=Task.CLASSIFY, classes=schema)
    for name in ("a", "b", "c"):
        project.add_case(FileRef(tmp_path / f"{name}.png"), image_digest=name * 64)
    return project


def _answer(project, case_id, active_s, at, status=Status.DONE):
    fields = {"case_id": case_id, "group_id": case_id, "image_digest": case_id * 64, "origin": Origin.MANUAL}
    fields |= {
        "author": "ann",
        "status": status,
        "active_s": active_s,
        "n_strokes": 3,
        "created": f"2026-11-21T10:{at}",
    }
    project.save_annotation(Annotation.model_validate(fields))


def test_time_of_all_versions_counts_and_open_cases_do_not(project):
    _answer(project, "b", 20, "00")
    _answer(project, "a", 30, "01")
    _answer(project, "a", 10, "02")
    _answer(project, "c", 99, "03", Status.SKIPPED)
    effort = effort_of(project.cases())
    assert [(one.case_id, one.active_s, one.n_strokes) for one in effort.cases] == [("b", 20, 3), ("a", 40, 6)]
    assert effort.s_per_case == 30


def test_nobodys_time_is_no_number(project):
    assert effort_of(project.cases()).s_per_case is None


def test_gain_is_by_the_minutes_that_the_parent_had_not_learned_from():
    def revision(number, data, change=None):
        changes = () if change is None else (Change(name="dice", before=0.7, after=0.7 + change, judgement="better"),)
        verdict = None if change is None else Verdict(judgement=Judgement.BETTER, sentence="", changes=changes)
        return ModelRevision(
            revision_id=f"r{number}",
            parent_id=f"r{number - 1}" if number else "",
            data_revision_id=data,
            learned_by=LearnedBy.ADAPT,
            package="",
            weights_sha256="",
            verdict=verdict,
            created="",
        )

    data = [DataRevision(revision_id=f"d{n}", annotations=(), active_s=s, created="") for n, s in ((1, 120), (2, 300))]
    models = [revision(0, ""), revision(1, "d1", 0.1), revision(2, "d2", 0.03)]
    first, second = gains_of(models, data)
    assert (first.minutes, first.per_minute) == (2, pytest.approx(0.05))
    assert (second.minutes, second.per_minute) == (3, pytest.approx(0.01))
    assert gains_of(models[1:2], data) == ()
