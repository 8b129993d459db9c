"""Where a case stands: predicted, corrected, accepted, locked; second readers; marks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from napari_medclf.domain.annotation import Annotation, CaseState, Origin, Status
from napari_medclf.domain.card import Task
from napari_medclf.domain.dataset import FileRef
from napari_medclf.domain.errors import DatasetError, WriteError
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.mark import Mark
from napari_medclf.domain.results import Scope
from napari_medclf.store.project import PredictionEntry, Project
from napari_medclf.store.project_entries import AnnotationEntry
from napari_medclf.store.project_log import ProjectLog

DIGEST = "a" * 64
NOW = "2026-11-21T10:00:00+00:00"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    schema = LabelSchema.from_names(["ill", "well"])
    project = Project.create(tmp_path / "p", name="eyes", task=Task.CLASSIFY, classes=schema)
    project.add_case(FileRef(tmp_path / "eye.png"), image_digest=DIGEST, group_id="p1")
    return project


def _said(author: str = "ann", **more: object) -> Annotation:
    fields = {"case_id": "eye", "group_id": "p1", "image_digest": DIGEST, "origin": Origin.CORRECTED, "author": author}
    return Annotation.model_validate(fields | {"classes": ("ill",), "created": NOW} | more)


def _predicted(**more: object) -> PredictionEntry:
    return PredictionEntry.model_validate({"case_id": "eye", "model": "m", "created": NOW} | more)


def _mark(**more: object) -> Mark:
    fields = {"case_id": "eye", "scope": Scope.SLICE, "index": 3, "axis": 0, "author": "ann", "created": NOW}
    return Mark.model_validate(fields | more)


def test_a_case_walks_through_its_states(project: Project) -> None:
    seen = [project.case("eye").state]
    project.save_prediction(_predicted())
    seen.append(project.case("eye").state)
    for more in (
        {},
        {"origin": Origin.ACCEPTED},
        {"origin": Origin.MANUAL},
        {"status": Status.FLAGGED},
        {"status": Status.SKIPPED},
        {"status": Status.LOCKED},
    ):
        project.save_annotation(_said(**more))
        seen.append(project.case("eye").state)
    assert seen == [
        CaseState.TO_DO,
        CaseState.PREDICTED,
        CaseState.CORRECTED,
        CaseState.ACCEPTED,
        CaseState.CORRECTED,
        CaseState.FLAGGED,
        CaseState.SKIPPED,
        CaseState.LOCKED,
    ]
    assert [case.case_id for case in project.in_state(CaseState.LOCKED, CaseState.FLAGGED)] == ["eye"]
    assert project.in_state(CaseState.TO_DO) == ()


def test_what_a_model_said_is_kept_with_its_files(project: Project) -> None:
    entry = _predicted(uncertainty={"entropy": 0.25}, scores={"ill": 0.7}, decided=("ill",), weights_sha256="w")
    project.save_prediction(
        entry,
        write_labels=lambda path: path.write_bytes(b"labels"),
        write_embedding=lambda path: np.save(path, np.arange(3, dtype=np.float32)),
    )
    saved = Project.open(project.folder).case("eye").prediction
    assert saved is not None
    assert saved.entry.uncertainty == {"entropy": 0.25}
    assert saved.entry.scores == {"ill": 0.7}
    assert saved.label_map is not None
    assert saved.label_map.path.read_bytes() == b"labels"
    assert saved.embedding is not None
    np.testing.assert_array_equal(np.load(saved.embedding.path), [0, 1, 2])


def test_locked_case_takes_no_answer_and_no_mark_until_it_is_unlocked(project: Project) -> None:
    project.save_annotation(_said())
    assert project.lock("eye", "head").is_locked
    with pytest.raises(DatasetError, match=r"'eye' is locked; unlock it"):
        project.save_annotation(_said(classes=("well",)))
    with pytest.raises(DatasetError, match=r"'eye' is locked"):
        project.save_mark(_mark())
    project.save_prediction(_predicted())
    assert project.case("eye").state is CaseState.LOCKED
    assert project.dataset().cases[0].classes == ("ill",)
    assert project.unlock("eye", "head").state is CaseState.CORRECTED
    project.save_annotation(_said(classes=("well",)))
    assert project.dataset().cases[0].classes == ("well",)


def test_case_without_an_answer_is_not_locked(project: Project) -> None:
    with pytest.raises(DatasetError, match="has no answer to lock yet"):
        project.lock("eye")


def test_answer_that_another_process_saved_while_the_case_was_locked_is_kept_but_does_not_count(
    project: Project,
) -> None:
    project.save_annotation(_said())
    project.lock("eye")
    ProjectLog(project.folder).add_annotation(AnnotationEntry(annotation=_said("bob", classes=("well",))))
    case = project.case("eye")
    assert [one.is_late for one in case.versions] == [False, True]
    assert case.answer is not None
    assert case.answer.annotation.author == "ann"


def test_blind_second_reader_replaces_nobody_and_the_adjudicator_does(project: Project) -> None:
    project.save_annotation(_said("ann"))
    project.save_annotation(_said("bob", classes=("well",), is_blind=True))
    assert project.dataset().cases[0].classes == ("ill",)
    project.save_annotation(_said("eve", classes=("well",)), adjudicates=("ann", "bob"))
    case = project.case("eye")
    assert project.dataset().cases[0].classes == ("well",)
    assert case.readers == ("ann", "bob")
    assert case.answer is not None
    assert case.answer.adjudicates == ("ann", "bob")


def test_blind_reader_sees_no_answer_of_others(project: Project) -> None:
    project.save_annotation(_said("ann"))
    project.save_prediction(_predicted())
    seen = project.case("eye").seen_by("bob")
    assert seen.versions == ()
    assert seen.state is CaseState.PREDICTED


def test_unsure_answer_is_not_learned_from(project: Project) -> None:
    project.save_annotation(_said(is_unsure=True))
    with pytest.raises(DatasetError, match="no case is finished"):
        project.dataset()


def test_later_mark_of_one_author_replaces_the_earlier_one_and_can_be_taken_back(project: Project) -> None:
    project.save_mark(_mark(classes=("ill",)))
    project.save_mark(_mark(classes=("ill",), author="bob"))
    project.save_mark(_mark(classes=("well",)))
    assert [(mark.author, mark.classes) for mark in project.marks("eye")] == [("ann", ("well",)), ("bob", ("ill",))]
    project.save_mark(_mark(is_withdrawn=True))
    project.save_mark(_mark(index=4))
    assert [(mark.author, mark.index) for mark in project.marks()] == [("bob", 3), ("ann", 4)]
    assert len(project.mark_history("eye")) == 5


def test_failed_write_of_a_prediction_leaves_the_case_as_it_was(project: Project) -> None:
    def disk_full(path: Path) -> None:
        raise OSError(28, "No space left on device", str(path))

    with pytest.raises(WriteError, match="No space left"):
        project.save_prediction(_predicted(), write_labels=disk_full)
    assert project.case("eye").state is CaseState.TO_DO


def test_project_is_made_where_strokes_were_kept_before_the_first_answer(tmp_path: Path) -> None:
    (tmp_path / "p" / "strokes").mkdir(parents=True)
    (tmp_path / "p" / "audit.jsonl").write_text("{}\n")
    schema = LabelSchema.from_names(["vessel"], first_value=1)
    made = Project.create(tmp_path / "p", name="eyes", task=Task.SEGMENT, classes=schema)
    assert Project.open(made.folder).info.name == "eyes"


def test_case_is_found_by_its_samples_and_opening_again_sweeps_nothing(project: Project) -> None:
    found = project.case_of(DIGEST)
    assert found is not None
    assert found.case_id == "eye"
    assert project.case_of("b" * 64) is None
    left = project.folder / ".journal.tmp-999999999"
    left.write_bytes(b"torn")
    assert Project.open(project.folder, sweeps=False).notes == ()
    assert left.is_file()
    assert "removed 1 temporary file" in Project.open(project.folder).notes[0]
