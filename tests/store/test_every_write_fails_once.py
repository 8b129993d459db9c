"""Every operation of a project, with the first, second, third ... write failing: nothing that was there is harmed."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from napari_medclf.atomic import atomic_write
from napari_medclf.domain.annotation import Annotation, Origin
from napari_medclf.domain.card import Task
from napari_medclf.domain.dataset import FileRef
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.mark import Mark
from napari_medclf.domain.results import Scope
from napari_medclf.domain.revision import DataRevision, LearnedBy, ModelRevision
from napari_medclf.store.audit_check import check_audit
from napari_medclf.store.bundle import copy_package
from napari_medclf.store.holdout import Member, freeze, read_holdout
from napari_medclf.store.project import PredictionEntry, Project
from napari_medclf.store.revisions import Revisions
from napari_medclf.testing.faults import How, each_fault

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="open files are told by /proc")

NOW = "2026-11-21T10:00:00+00:00"


@dataclass(frozen=True)
class Operation:
    """Something that is saved, and how to count what is there of it."""

    act: Callable[[Project, object], object]
    count: Callable[[Project], int]


def _annotate(project, _):
    answer = Annotation(
        case_id="c1", group_id="p1", image_digest="5e" * 32, origin=Origin.MANUAL, author="ada", created=NOW
    )
    project.save_annotation(
        answer,
        write_labels=lambda path: atomic_write(path, b"labels" * 50),
        write_edited=lambda path: atomic_write(path, b"edited" * 50),
    )


def _count_answers(project):
    versions = project.annotations("c1")
    assert all(one.label_map.path.read_bytes() == b"labels" * 50 for one in versions)
    assert all(one.edited_mask.path.read_bytes() == b"edited" * 50 for one in versions)
    return len(versions)


def _add_case(project, _):
    number = len(project.cases())
    project.add_case(FileRef(project.folder / f"i{number}.nii"), image_digest=f"{number:064}", case_id=f"n{number}")


def _mark(project, _):
    number = len(project.mark_history())
    project.save_mark(Mark(case_id="c1", scope=Scope.SLICE, axis=0, index=number, author="ada", created=NOW))


def _predict(project, _):
    entry = PredictionEntry(case_id="c1", model="m", created=NOW)
    project.save_prediction(entry, write_labels=lambda path: atomic_write(path, b"said" * 50))


def _count_predictions(project):
    found = project.case("c1").predictions
    assert all(one.label_map.path.read_bytes() == b"said" * 50 for one in found)
    return len(found)


def _revise(project, package):
    number = len(Revisions(project.folder).models())
    draft = ModelRevision(
        revision_id="", learned_by=LearnedBy.ADAPT, package="", weights_sha256=package.card.weights_sha256, created=NOW
    )
    data = DataRevision(revision_id=f"{number:016}", annotations=(f"c1:{number}",), created=NOW)
    Revisions(project.folder).add(draft, lambda folder: copy_package(package, folder), data)


def _count_revisions(project):
    revisions = Revisions(project.folder)
    assert all(revisions.package(one).card.name for one in revisions.models())
    return len(revisions.models())


def _accept(project, _):
    revisions = Revisions(project.folder)
    revisions.use(revisions.models()[-1], "accept", "ada")


def _is_accepted(project):
    revisions = Revisions(project.folder)
    current = revisions.current()
    assert current is not None  # the one before, or the new one
    return revisions.models().index(current)


def _freeze(project, _):
    before = read_holdout(project.folder)
    name = f"h{len(before.members)}"
    freeze(project.folder, [Member(case_id=name, group_id=name, image_digest=name, answer="a")], "ada")


def _count_held(project):
    return len(read_holdout(project.folder).members)


OPERATIONS = {
    "annotation": Operation(_annotate, _count_answers),
    "case": Operation(_add_case, lambda project: len(project.cases())),
    "mark": Operation(_mark, lambda project: len(project.mark_history())),
    "lock": Operation(lambda project, _: project.lock("c1", "ada"), lambda project: int(project.case("c1").is_locked)),
    "prediction": Operation(_predict, _count_predictions),
    "revision": Operation(_revise, _count_revisions),
    "accept": Operation(_accept, _is_accepted),
    "hold-out": Operation(_freeze, _count_held),
}


@pytest.fixture
def project(tmp_path, package) -> Project:
    """A project that has one of everything, and a second revision that is not in use."""
    project = Project.create(
        tmp_path / "project", name="p", task=Task.SEGMENT, classes=LabelSchema.from_names(["liver"], first_value=1)
    )
    project.add_case(FileRef(tmp_path / "c1.nii.gz"), image_digest="5e" * 32, case_id="c1")
    for name in ("annotation", "mark", "prediction", "revision", "accept", "revision"):
        OPERATIONS[name].act(project, package)
    freeze(project.folder, [Member(case_id="h0", group_id="h0", image_digest="h0", answer="a")], "ada")
    return project


@pytest.mark.parametrize("how", How)
@pytest.mark.parametrize("name", OPERATIONS)
def test_project_stays_whole(project, package, name, how):
    operation = OPERATIONS[name]
    before = {one: OPERATIONS[one].count(project) for one in OPERATIONS}
    assert check_audit(project.folder).is_whole

    def check(is_done):
        found = Project.open(project.folder)
        now = {one: OPERATIONS[one].count(found) for one in OPERATIONS}
        gained = now[name] - before[name]
        assert gained == 1 if is_done else gained in (0, 1)
        assert all(now[one] == before[one] for one in OPERATIONS if one != name)
        assert check_audit(project.folder).is_whole, check_audit(project.folder).problems
        operation.act(found, package)  # and it can be done again
        assert operation.count(found) in (now[name] + 1, now[name] if name in ("lock", "accept") else -1)
        assert check_audit(project.folder).is_whole, check_audit(project.folder).problems

    assert each_fault(project.folder, lambda: operation.act(project, package), check, how) >= 4
