"""What was done in a project, from the command line: session, audit, restore, rerun."""

from __future__ import annotations

import numpy as np
import pytest

from napari_medclf.domain.stroke import Stroke, StrokeKind
from napari_medclf.io.digest import with_digest
from napari_medclf.io.read import read_image
from napari_medclf.store.strokes.journal import BaseInfo, StrokeJournal


@pytest.fixture
def painted(medclf, pictures, tmp_path):
    """A project with one answer, and two strokes on the case since then."""
    picture = pictures / "images" / "eye_0.png"
    labels = pictures / "labels" / "eye_0.png"
    project = tmp_path / "project"
    assert medclf("correct", project, picture, "--labels", labels, "--class-names", "vessel", "--author", "ada") == 0
    image = with_digest(read_image(picture))
    journal = StrokeJournal.open(project, image.source.digest)
    journal.begin_base(BaseInfo(shape=image.geometry.shape, dtype="uint8", is_empty=True))
    for start in (40, 90):
        voxels = np.arange(start, start + 7)
        journal.append(Stroke(StrokeKind.PAINT, voxels, np.zeros(7, int), np.ones(7, int), author="ada"))
    journal.close()
    return project


def test_strokes_are_listed_and_restored(medclf, painted):
    listed = medclf.json("restore", painted, "eye_0")
    assert [one["n_vox"] for one in listed["strokes"]] == [7, 7]
    done = medclf.json("restore", painted, "eye_0", "--at", "1", "--author", "grace")
    assert done["n_strokes"] == 1
    assert done["annotation"]["author"] == "grace"
    assert done["annotation"]["n_edited_vox"] == 7
    again = medclf.json("rerun", painted, "--out", painted.with_name("again"))
    assert [one["is_same"] for one in again["rerun"]["answers"]] == [True]
    assert again["rerun"]["n_without_strokes"] == 1  # the first answer came from a file


def test_list_of_strokes_tells_of_a_damaged_one(medclf, painted):
    (journal,) = painted.glob("strokes/*/*.strokes")
    content = bytearray(journal.read_bytes())
    at = content.index(b'"kind":"paint"')
    content[at : at + 4] = b"junk"
    journal.write_bytes(bytes(content))
    listed = medclf.json("restore", painted, "eye_0")
    assert len(listed["strokes"]) == 1
    assert "are damaged and were left out" in listed["notes"][0]


def test_session_tells_who_did_what(medclf, painted):
    deeds = medclf.json("session", painted)["deeds"]
    assert {(one["what"], one["who"]) for one in deeds} >= {("annotation", "ada"), ("painting", "ada")}
    assert medclf("session", painted) == 0
    assert "2 strokes, 14 voxels" in medclf.out


def test_audit_says_whole_until_somebody_changes_a_line(medclf, painted):
    head = medclf.json("audit", painted)["head"]
    assert medclf("audit", painted, "--head", head[:10]) == 0
    assert "nothing was changed" in medclf.out
    journal = painted / "journal.jsonl"
    journal.write_text(journal.read_text().replace('"author":"ada"', '"author":"eve"'))
    assert medclf("audit", painted) == 1
    assert "not as it was written" in medclf.out


def test_folder_that_is_none_is_told(medclf, tmp_path):
    assert medclf("audit", tmp_path / "nowhere") == 2
    assert "no such folder" in medclf.err


def test_folder_without_a_project_is_not_called_whole(medclf, tmp_path):
    (tmp_path / "empty").mkdir()
    assert medclf("audit", tmp_path / "empty") == 2
    assert "is no project" in medclf.err


def test_removed_trail_is_not_called_whole(medclf, painted):
    (painted / "audit.jsonl").unlink()
    assert medclf("audit", painted) == 0
    assert "has no audit trail yet" in medclf.out
    assert "nothing was changed" not in medclf.out


def test_file_in_place_of_a_project_is_told(medclf, tmp_path):
    (tmp_path / "notes.txt").write_text("hello")
    assert medclf("session", tmp_path / "notes.txt") == 2
    assert "is a file; the folder of a project was expected" in medclf.err
