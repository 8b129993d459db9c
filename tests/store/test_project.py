"""Projects: every answer kept, nothing lost to a kill or to a second process."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from napari_medclf.domain.annotation import Annotation, Origin, Status
from napari_medclf.domain.card import Task
from napari_medclf.domain.dataset import FileRef
from napari_medclf.domain.errors import DatasetError, WriteError
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.store.datasets import open_dataset
from napari_medclf.store.project import Project, WriteFile

N_KILLS = 20
DIGEST = "a" * 64
VESSEL = LabelSchema.from_names(["vessel"], first_value=1)

FORKING_WRITERS = """
import os, signal, sys
from pathlib import Path
from napari_medclf.atomic import atomic_write
from napari_medclf.domain.annotation import Annotation, Origin
from napari_medclf.store.project import Project

folder, acknowledged = Path(sys.argv[1]), Path(sys.argv[2])

def write_for_ever(author):
    project = Project.open(folder)
    told = os.open(acknowledged / author, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for number in range(1_000_000):
        said = Annotation(case_id="eye", group_id="p1", image_digest="a" * 64, origin=Origin.MANUAL,
                          author=author, created="2026-11-21T10:00:00+00:00", n_edited_vox=number)
        project.save_annotation(said, write_labels=lambda path: atomic_write(path, str(number).encode() * 50_000))
        os.write(told, b"%d\\n" % number)

signal.signal(signal.SIGCHLD, signal.SIG_IGN)
for author in sys.stdin:
    pid = os.fork()
    if pid == 0:
        write_for_ever(author.strip())
    print(pid, flush=True)
"""


@pytest.fixture
def image(tmp_path: Path) -> FileRef:
    path = tmp_path / "images" / "eye.png"
    path.parent.mkdir()
    path.write_bytes(b"pixels")
    return FileRef(path)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project.create(tmp_path / "project", name="eyes", task=Task.SEGMENT, classes=VESSEL)


def _said(status: Status = Status.DONE, **more: object) -> Annotation:
    fields = {
        "case_id": "eye",
        "group_id": "p1",
        "image_digest": DIGEST,
        "origin": Origin.CORRECTED,
        "status": status,
        "author": "reader-1",
        "created": "2026-11-21T10:00:00+00:00",
    }
    return Annotation.model_validate(fields | more)


def _file(content: bytes) -> WriteFile:
    return lambda path: path.write_bytes(content)


def test_answer_is_there_when_the_project_is_opened_again(project: Project, image: FileRef) -> None:
    project.add_case(image, image_digest=DIGEST, group_id="p1")
    project.save_annotation(_said(n_edited_vox=7), write_labels=_file(b"labels"))
    case = Project.open(project.folder).case("eye")
    assert case.answer is not None
    assert case.answer.annotation.n_edited_vox == 7
    assert case.answer.label_map is not None
    assert case.answer.label_map.path.read_bytes() == b"labels"
    assert case.image == image


def test_every_version_is_kept(project: Project, image: FileRef) -> None:
    project.add_case(image, image_digest=DIGEST)
    for content in (b"first", b"second"):
        project.save_annotation(_said(), write_labels=_file(content))
    kept = [saved.label_map.path.read_bytes() for saved in project.annotations("eye") if saved.label_map]
    assert kept == [b"first", b"second"]


def test_worklist_follows_the_newest_status(project: Project, image: FileRef) -> None:
    project.add_case(image, image_digest=DIGEST)
    assert [case.case_id for case in project.worklist()] == ["eye"]
    project.save_annotation(_said())
    project.save_annotation(_said(Status.FLAGGED))
    assert project.worklist() == ()
    assert [case.case_id for case in project.worklist(Status.FLAGGED)] == ["eye"]
    assert project.case("eye").answer is None


def test_same_image_is_one_case_and_same_name_two(project: Project, image: FileRef, tmp_path: Path) -> None:
    first = project.add_case(image, image_digest=DIGEST)
    assert project.add_case(image, image_digest=DIGEST) == first
    other = project.add_case(FileRef(tmp_path / "elsewhere" / "eye.png"), image_digest="b" * 64)
    assert other.case_id == "eye-bbbbbbbb"
    assert len(project.cases()) == 2


def test_copied_image_travels_with_the_project(project: Project, image: FileRef, tmp_path: Path) -> None:
    project.add_case(image, image_digest=DIGEST, copy=True)
    image.path.unlink()
    moved = project.folder.rename(tmp_path / "moved")
    assert Project.open(moved).case("eye").image.path.read_bytes() == b"pixels"


def test_finished_cases_are_a_dataset(project: Project, image: FileRef, tmp_path: Path) -> None:
    project.add_case(image, image_digest=DIGEST, group_id="p1")
    project.add_case(FileRef(tmp_path / "open.png"), image_digest="b" * 64)
    with pytest.raises(DatasetError, match="no case is finished yet"):
        open_dataset(project.folder)
    project.save_annotation(
        _said(),
        write_labels=_file(b"labels"),
        write_edited=_file(b"edited"),
    )
    (case,) = open_dataset(project.folder, Task.SEGMENT).cases
    assert (case.case_id, case.group_id) == ("eye", "p1")
    assert case.label_map is not None
    assert case.edited_mask is not None
    assert case.edited_mask.path.read_bytes() == b"edited"


def test_classes_of_a_classification_project_are_a_dataset(tmp_path: Path, image: FileRef) -> None:
    classes = LabelSchema.from_names(["ill", "well"])
    project = Project.create(tmp_path / "p", name="eyes", task=Task.CLASSIFY, classes=classes)
    project.add_case(image, image_digest=DIGEST)
    project.save_annotation(_said(classes=["ill"]))
    assert open_dataset(tmp_path / "p").cases[0].classes == ("ill",)


def test_answer_about_a_changed_image_is_refused(project: Project, image: FileRef) -> None:
    project.add_case(image, image_digest=DIGEST)
    with pytest.raises(DatasetError, match="about another image than the project holds"):
        project.save_annotation(_said(image_digest="c" * 64))


def test_unknown_case_is_answered_with_the_nearest(project: Project, image: FileRef) -> None:
    project.add_case(image, image_digest=DIGEST)
    with pytest.raises(DatasetError, match=r"no case 'eyes'\. Did you mean 'eye'"):
        project.case("eyes")


def test_failed_write_keeps_the_earlier_answer(project: Project, image: FileRef) -> None:
    project.add_case(image, image_digest=DIGEST)
    project.save_annotation(_said(), write_labels=_file(b"good"))

    def disk_full(path: Path) -> None:
        raise OSError(28, "No space left on device", str(path))

    with pytest.raises(WriteError, match="No space left on device"):
        project.save_annotation(_said(), write_labels=disk_full)
    (saved,) = project.annotations("eye")
    assert saved.label_map is not None
    assert saved.label_map.path.read_bytes() == b"good"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [(None, "is no project"), ("{", "is damaged or of a newer version"), ('{"schema_version": 2}', "newer version")],
)
def test_what_is_no_project_is_one_sentence(tmp_path: Path, content: str | None, sentence: str) -> None:
    if content is not None:
        (tmp_path / "project.json").write_text(content)
    with pytest.raises(DatasetError, match=sentence):
        Project.open(tmp_path)


def test_project_is_not_made_in_a_folder_with_other_things(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(WriteError, match="is not empty"):
        Project.create(tmp_path, name="x", task=Task.SEGMENT, classes=VESSEL)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_kills_lose_no_acknowledged_answer(project: Project, image: FileRef, tmp_path: Path) -> None:
    """Two writers at once, one of them killed again and again at random moments."""
    project.add_case(image, image_digest=DIGEST)
    told = tmp_path / "acknowledged"
    told.mkdir()
    moments = random.Random(11)
    with subprocess.Popen(
        [sys.executable, "-c", FORKING_WRITERS, str(project.folder), str(told)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as forker:
        steady = _start_writer(forker, told, "steady")
        for kill in range(N_KILLS):
            writer = _start_writer(forker, told, f"killed-{kill}")
            time.sleep(moments.uniform(0, 0.05))
            _kill(writer)
        _kill(steady)
        forker.communicate(timeout=30)

    reopened = Project.open(project.folder)
    by_author: dict[str, list[int]] = {}
    for saved in reopened.annotations("eye"):
        number = saved.annotation.n_edited_vox
        assert saved.label_map is not None
        assert saved.label_map.path.read_bytes() == str(number).encode() * 50_000
        by_author.setdefault(saved.annotation.author, []).append(number)
    assert len(list(told.iterdir())) == N_KILLS + 1
    for path in told.iterdir():
        n_acknowledged = path.read_text().count("\n")
        assert n_acknowledged > 0
        assert by_author[path.name][:n_acknowledged] == list(range(n_acknowledged))
    assert not list(reopened.folder.rglob(".*.tmp-*"))


def _start_writer(forker: subprocess.Popen[str], told: Path, author: str) -> int:
    """Fork a writer and wait until its first answer is safe."""
    assert forker.stdin is not None
    assert forker.stdout is not None
    forker.stdin.write(f"{author}\n")
    forker.stdin.flush()
    pid = int(forker.stdout.readline())
    path = told / author
    _wait_until(lambda: path.exists() and path.stat().st_size > 0)
    return pid


def _kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    _wait_until(lambda: not _lives(pid))


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _wait_until(is_so: Callable[[], bool], limit_s: float = 30) -> None:
    end_s = time.monotonic() + limit_s
    while not is_so():
        assert time.monotonic() < end_s, "waited too long"
        time.sleep(0.002)


def test_facts_of_a_case_reach_what_is_learned_from(project: Project, image: FileRef) -> None:
    project.add_case(image, image_digest=DIGEST, facts={"site": "B"})
    project.save_annotation(_said(), write_labels=_file(b"labels"))
    assert open_dataset(project.folder).cases[0].facts == {"site": "B"}
