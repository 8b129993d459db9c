import os
import sys

import pytest

from napari_medclf.io.sniff import Kind, can_read, kind_of, name_of, stem_of, suffix_of


def test_suffix_keeps_nii_gz_together(tmp_path):
    assert suffix_of(tmp_path / "Case.01.NII.GZ") == ".nii.gz"
    assert stem_of(tmp_path / "Case.01.NII.GZ") == "Case.01"
    assert stem_of(tmp_path / "plain") == "plain"


def test_name_to_show_has_only_what_can_be_shown(tmp_path):
    assert name_of(tmp_path / "a\nb\udcff\t.nii.gz") == "a_b?_"
    assert name_of(tmp_path / ("é" * 300 + ".png")) == "é" * 80


def test_content_decides_over_the_name(tmp_path):
    path = tmp_path / "scan.dcm"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"\0" * 400)
    assert kind_of(path) is Kind.PNG


def test_dicom_whose_preamble_is_a_tiff_header_is_dicom(tmp_path):
    path = tmp_path / "both"
    path.write_bytes(b"II*\0".ljust(128, b"\0") + b"DICM" + b"\0" * 300)
    assert kind_of(path) is Kind.DICOM


def test_text_and_tables_are_not_ours(tmp_path):
    for name in ("notes.txt", "labels.csv", "README"):
        (tmp_path / name).write_text("hello there, this is no image at all")
        assert not can_read(tmp_path / name)
    assert not can_read(tmp_path)
    assert not can_read(tmp_path / "absent.nii")


def test_folder_with_an_extensionless_slice_is_ours(tmp_path, phantom, write_series):
    assert can_read(write_series(tmp_path / "study" / "a", phantom).parent)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such pipes")
def test_pipe_does_not_block_the_matcher(tmp_path):
    os.mkfifo(tmp_path / "pipe.nii")
    assert not can_read(tmp_path / "pipe.nii")
    os.mkfifo(tmp_path / "pipe")
    assert can_read(tmp_path)  # by its name; reading it is refused
