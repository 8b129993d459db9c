from __future__ import annotations

import json
import multiprocessing
import sys

import pytest

from napari_medclf.atomic import atomic_write
from napari_medclf.domain.annotation import Annotation, Origin
from napari_medclf.domain.card import Task
from napari_medclf.domain.dataset import FileRef
from napari_medclf.domain.errors import WriteError
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.store.audit import AUDIT, AuditLog
from napari_medclf.store.audit_check import check_audit
from napari_medclf.store.project import Project
from napari_medclf.testing.faults import How, each_fault, faulty_disk

IMAGE = "5e" * 32


def _annotation(number: int) -> Annotation:
    return Annotation(
        case_id="c1",
        group_id="p1",
        image_digest=IMAGE,
        origin=Origin.MANUAL,
        author="ada",
        comment=str(number),
        created=f"2026-11-21T10:00:0{number}+00:00",
    )


def _save(project: Project, number: int) -> None:
    project.save_annotation(_annotation(number), write_edited=lambda path: atomic_write(path, b"mask" * number))


@pytest.fixture
def project(tmp_path) -> Project:
    """A project with one case and two answers."""
    project = Project.create(
        tmp_path / "project", name="p", task=Task.SEGMENT, classes=LabelSchema.from_names(["liver"], first_value=1)
    )
    project.add_case(FileRef(tmp_path / "c1.nii.gz"), image_digest=IMAGE, case_id="c1")
    _save(project, 1)
    _save(project, 2)
    return project


def _change(project: Project, name: str, old: str, new: str) -> None:
    path = project.folder / name
    content = path.read_text()
    assert old in content
    path.write_text(content.replace(old, new, 1))


def test_everything_that_was_saved_is_in_the_trail_with_who_and_digests(project):
    report = check_audit(project.folder)
    assert report.is_whole
    assert not report.notes
    assert [(one.what, one.about) for one in report.entries] == [
        ("case", "c1"),
        ("annotation", "c1"),
        ("annotation", "c1"),
    ]
    said = report.entries[1]
    assert said.who == "ada"
    assert said.digests["image_digest"] == IMAGE
    assert len(said.files) == 1


def test_changed_answer_is_found(project):
    _change(project, "journal.jsonl", '"comment":"1"', '"comment":"7"')
    assert any("not as it was written" in one for one in check_audit(project.folder).problems)


def test_answer_that_was_taken_out_is_found(project):
    path = project.folder / "journal.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[:1] + lines[2:]))
    assert any("taken out" in one for one in check_audit(project.folder).problems)


def test_line_that_was_put_in_by_hand_is_found(project):
    with (project.folder / "journal.jsonl").open("a") as file:
        file.write('{"kind":"annotation","forged":true}\n')
    assert any("put in by hand" in one for one in check_audit(project.folder).problems)


def test_changed_mask_is_found(project):
    path = next((project.folder / "edited").rglob("*.nii.gz"))
    path.write_bytes(b"something else")
    assert any("was changed since entry" in one for one in check_audit(project.folder).problems)


def test_changed_trail_is_found_at_its_line(project):
    _change(project, AUDIT, '"who":"ada"', '"who":"eve"')
    problems = check_audit(project.folder).problems
    assert any("line 2: was changed" in one for one in problems)


def test_changed_entry_with_its_own_hash_made_anew_is_found_at_the_next_line(project):
    path = project.folder / AUDIT
    entries = list(AuditLog(project.folder).entries())
    forged = entries[1].model_copy(update={"who": "eve"})
    entries[1] = forged.model_copy(update={"sha256": forged.hashed()})
    path.write_text("".join(one.model_dump_json() + "\n" for one in entries))
    assert any("line 3: does not follow" in one for one in check_audit(project.folder).problems)


def test_entry_that_was_taken_away_in_the_middle_is_found(project):
    path = project.folder / AUDIT
    lines = path.read_text().splitlines(keepends=True)
    path.write_text(lines[0] + lines[2])
    assert any("does not follow" in one for one in check_audit(project.folder).problems)


def test_cut_end_is_found_by_a_head_that_was_noted(project):
    noted = check_audit(project.folder).head
    path = project.folder / AUDIT
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:2]))
    journal = project.folder / "journal.jsonl"
    journal.write_text("".join(journal.read_text().splitlines(keepends=True)[:2]))
    assert check_audit(project.folder).is_whole  # alone it cannot know
    assert any("taken away" in one for one in check_audit(project.folder, noted[:12]).problems)


def test_older_project_is_not_blamed_for_the_time_before_its_trail(project):
    (project.folder / AUDIT).unlink()
    assert check_audit(project.folder).is_whole
    _save(project, 3)
    report = check_audit(project.folder)
    assert report.is_whole
    assert "older than the audit trail" in report.notes[0]


def test_full_disk_is_told_and_leaves_the_trail_whole(project):
    with faulty_disk(project.folder, 1, How.FULL), pytest.raises(WriteError):
        AuditLog(project.folder).append("export")
    AuditLog(project.folder).append("export", about="c1", files={})
    assert check_audit(project.folder).is_whole


def _append(folder, times):
    for _ in range(times):
        AuditLog(folder).append("export")


def test_two_windows_make_one_chain(project):
    context = multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")
    windows = [context.Process(target=_append, args=(project.folder, 20)) for _ in range(2)]
    for one in windows:
        one.start()
    for one in windows:
        one.join()
    report = check_audit(project.folder)
    assert report.is_whole
    assert len(report.entries) == 43


@pytest.mark.skipif(sys.platform != "linux", reason="open files are told by /proc")
@pytest.mark.parametrize("how", How)
def test_every_fault_leaves_a_whole_trail_and_every_answer(project, how):
    def check(is_done):
        found = Project.open(project.folder)
        versions = found.annotations("c1")
        assert [one.annotation.comment for one in versions[:2]] == ["1", "2"]
        assert not is_done or versions[-1].annotation.comment == "3"
        _save(found, 4)
        report = check_audit(project.folder)
        assert report.is_whole, report.problems
        assert Project.open(project.folder).annotations("c1")[-1].annotation.comment == "4"

    assert each_fault(project.folder, lambda: _save(project, 3), check, how) >= 8


def test_entries_are_lines_of_json(project):
    for line in (project.folder / AUDIT).read_text().splitlines():
        assert json.loads(line)["schema_version"] == 1


def test_half_a_base_that_a_kill_left_is_swept(project):
    left = project.folder / "strokes" / "5e5e" / "bases" / ".b.npz.1.tmp-999999999"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"half")
    assert "1 temporary files" in Project.open(project.folder).notes[0]
    assert not left.exists()
