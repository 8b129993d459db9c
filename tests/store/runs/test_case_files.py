"""A case's files appear whole, whatever fails or ends while they are written."""

import os

import pytest

from napari_medclf.atomic import atomic_write
from napari_medclf.store.runs.case_files import recover, whole_folder
from napari_medclf.testing.faults import How, each_fault

pytestmark = pytest.mark.skipif(os.name == "nt", reason="forks, and follows open files by /proc")


def _write(folder, text):
    with whole_folder(folder) as new:
        atomic_write(new / "segmentation.nii", text)
        atomic_write(new / "scores.json", text)


def _content(folder):
    return {path.name: path.read_text() for path in folder.iterdir()}


@pytest.mark.parametrize("how", How)
@pytest.mark.parametrize("before", ["old", ""])
def test_case_is_the_old_one_or_the_new_one(tmp_path, how, before):
    cases = tmp_path / "cases"
    cases.mkdir()
    if before:
        _write(cases / "a", before)
    versions = [_version(text) for text in (before, "new")]

    def check(is_done):
        recover(cases)
        assert sorted(path.name for path in cases.iterdir()) in (["a"], [] if not before else ["a"])
        found = _content(cases / "a") if (cases / "a").exists() else {}
        assert found in ([versions[1]] if is_done else versions)

    n = each_fault(cases, lambda: _write(cases / "a", "new"), check, how)

    assert n > 8


def _version(text):
    return {"segmentation.nii": text, "scores.json": text} if text else {}


def test_recovery_leaves_finished_folders_and_others_alone(tmp_path):
    _write(tmp_path / "deep" / "a", "whole")
    (tmp_path / ".git").mkdir()
    (tmp_path / "deep" / ".b.tmp-00ff00ff-4711").mkdir()
    (tmp_path / "deep" / ".a.old-00ff00ff-4711").mkdir()

    recover(tmp_path)

    assert sorted(path.name for path in tmp_path.rglob("*")) == [".git", "a", "deep", "scores.json", "segmentation.nii"]
