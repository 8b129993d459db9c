from __future__ import annotations

import os
import sys

import pytest

from napari_medclf.atomic import append_line, atomic_write
from napari_medclf.testing.faults import How, each_fault, faulty_disk

needs_proc = pytest.mark.skipif(sys.platform != "linux", reason="open files are told by /proc")


@pytest.fixture
def folder(tmp_path):
    """A folder with one old file."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "a.txt").write_bytes(b"old old old")
    return folder


def _overwrite(folder):
    (folder / "a.txt").write_bytes(b"new new new new")


@needs_proc
@pytest.mark.parametrize("how", How)
def test_writing_in_place_is_found_out(folder, how):
    def check(is_done):
        assert (folder / "a.txt").read_bytes() in (b"old old old", b"new new new new")

    with pytest.raises(AssertionError):
        each_fault(folder, lambda: _overwrite(folder), check, how)


@needs_proc
@pytest.mark.parametrize("how", How)
def test_atomic_write_leaves_the_old_file_or_the_new_one(folder, how):
    def check(is_done):
        found = (folder / "a.txt").read_bytes()
        assert found == b"new" if is_done else found in (b"old old old", b"new")

    assert each_fault(folder, lambda: atomic_write(folder / "a.txt", b"new"), check, how) >= 5


@needs_proc
def test_rename_without_a_flush_is_found_out_by_a_power_cut(folder):
    def rename_only():
        (folder / "b.txt").write_bytes(b"new")
        os.replace(folder / "b.txt", folder / "a.txt")
        (folder / "c.txt").write_bytes(b"acknowledged")

    def check(is_done):
        assert (folder / "a.txt").read_bytes() in (b"old old old", b"new")

    with pytest.raises(AssertionError):
        each_fault(folder, rename_only, check, How.POWER_CUT)
    each_fault(folder, rename_only, check, How.KILL)


@needs_proc
@pytest.mark.parametrize("how", How)
def test_lines_that_were_appended_stay(folder, how):
    log = folder / "log"

    def check(is_done):
        lines = log.read_bytes().split(b"\n") if log.exists() else []
        assert not is_done or [line for line in lines if line in (b"one", b"two")] == [b"one", b"two"]

    def act():
        append_line(log, "one")
        append_line(log, "two")

    assert each_fault(folder, act, check, how) >= 6


def test_calls_outside_of_the_folder_are_not_counted(folder, tmp_path):
    with faulty_disk(folder, 1, How.FULL) as disk:
        (tmp_path / "elsewhere").write_text("fine")
        with pytest.raises(OSError, match="space"):
            (folder / "here").write_text("not fine")
    assert disk.n_calls == 1
    (folder / "here").write_text("fine again")
