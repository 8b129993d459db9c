import os
import sys

import pytest

from napari_medclf.domain.errors import ReadError
from napari_medclf.io.sniff import Kind
from napari_medclf.io.walk import collect, identify, natural_key
from napari_medclf.io.write import write_image


def test_natural_order_puts_two_before_ten():
    assert sorted(["img10", "img2", "Img1"], key=natural_key) == ["Img1", "img2", "img10"]


def test_folder_passes_over_tables_hidden_files_and_unfinished_writes(tmp_path, phantom):
    write_image(phantom, tmp_path / "sub" / "a.nii.gz")
    (tmp_path / "labels.csv").write_text("path,label")
    (tmp_path / ".DS_Store").write_text("x")
    (tmp_path / ".a.nii.gz.tmp-123").write_bytes(b"half")
    found = collect([tmp_path])
    assert [one.path.name for one in found.files] == ["a.nii.gz"]
    assert found.refusals == ()


def test_file_in_two_given_folders_is_read_once(tmp_path, phantom):
    write_image(phantom, tmp_path / "sub" / "a.nii")
    assert len(collect([tmp_path, tmp_path / "sub"]).files) == 1


def test_foreign_and_misnamed_files_say_what_they_are(tmp_path):
    (tmp_path / "a.mgz").write_bytes(b"\0\0\0\1 whatever")
    (tmp_path / "a.nii").write_bytes(b"not at all" * 50)
    with pytest.raises(ReadError, match="is FreeSurfer MGH"):
        identify(tmp_path / "a.mgz")
    with pytest.raises(ReadError, match=r"is named \.nii and its content is not NIfTI"):
        identify(tmp_path / "a.nii")


def test_folder_without_images_is_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("x")
    (refusal,) = collect([tmp_path]).refusals
    assert "holds no image" in str(refusal)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such pipes")
def test_pipe_in_a_folder_is_passed_over_and_the_rest_is_found(tmp_path, phantom):
    os.mkfifo(tmp_path / "b.dcm")
    write_image(phantom, tmp_path / "c.nii")
    found = collect([tmp_path])
    assert found.of_kind(Kind.NIFTI) == (tmp_path / "c.nii",)
    assert found.refusals == ()
    assert "pipe" in collect([tmp_path / "b.dcm"]).refusals[0].reason


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights on Windows")
def test_loop_of_links_ends(tmp_path, phantom):
    write_image(phantom, tmp_path / "a.nii")
    (tmp_path / "again").symlink_to(tmp_path, target_is_directory=True)
    assert len(collect([tmp_path]).files) == 1


def test_slow_disk_is_listed_as_a_quick_one(tmp_path, monkeypatch):
    for number in range(60):
        place = tmp_path / f"patient{number // 5}" / f"series{number % 5}"
        place.mkdir(parents=True)
        (place / "2.png").write_bytes(b"\x89PNG\r\n\x1a\n")
        (place / "10.png").write_bytes(b"\x89PNG\r\n\x1a\n" if number % 7 else b"no picture")
        (place / "notes.txt").touch()
    (tmp_path / ".hidden").mkdir()
    (tmp_path / "patient3" / "link").symlink_to(tmp_path / "patient1", target_is_directory=True)
    left_out = collect([tmp_path], leave_out=lambda path, is_folder: "is not wanted" if path.name == "series3" else "")
    quick = collect([tmp_path])
    monkeypatch.setattr("napari_medclf.io.look_ahead._N_SLOW", 0)
    assert collect([tmp_path]) == quick
    assert [len(found) for found in (quick.files, quick.refusals, quick.others)] == [111, 9, 62]
    assert [found.path.name for found in quick.files[:4]] == ["2.png", "2.png", "10.png", "2.png"]
    again = collect([tmp_path], leave_out=lambda path, is_folder: "is not wanted" if path.name == "series3" else "")
    assert again == left_out
    assert len(again.left_out) == 12
