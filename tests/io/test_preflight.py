import os
import pickle
import sys

import pytest

from napari_medclf.domain.errors import ReadError
from napari_medclf.io.preflight import available_bytes, check_budget, check_declared, check_file, refusing


def test_absent_empty_and_folder_are_refused_by_name(tmp_path):
    (tmp_path / "empty.nii").touch()
    for name, reason in (("absent.nii", "no such file"), ("empty.nii", r"empty \(0 bytes\)"), (".", "is a folder")):
        with pytest.raises(ReadError, match=reason) as caught:
            check_file(tmp_path / name)
        assert caught.value.path == tmp_path / name


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such pipes")
def test_pipe_is_refused_without_opening_it(tmp_path):
    os.mkfifo(tmp_path / "pipe.dcm")
    with pytest.raises(ReadError, match="pipe, socket or device"):
        check_file(tmp_path / "pipe.dcm")


def test_refusal_crosses_processes_and_stays_one_line_for_odd_names(tmp_path):
    with pytest.raises(ReadError) as caught:
        check_file(tmp_path / "odd\nname\udcff.nii")
    assert "\n" not in str(caught.value)
    str(caught.value).encode()
    again = pickle.loads(pickle.dumps(caught.value))
    assert str(again) == str(caught.value)
    assert again.path == caught.value.path


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="Windows has no such permissions")
def test_unreadable_file_is_refused(tmp_path):
    path = tmp_path / "secret.nii"
    path.write_bytes(b"x")
    path.chmod(0)
    user = os.geteuid()
    try:
        if user == 0:  # root may read everything, so become nobody for a moment
            os.seteuid(65534)
        with pytest.raises(ReadError, match="no permission"):
            check_file(path)
    finally:
        os.seteuid(user)


def test_more_than_the_free_memory_is_refused_with_both_numbers(tmp_path):
    with pytest.raises(ReadError, match=r"declares .* GiB of samples, and .* GiB of memory are free"):
        check_budget(tmp_path / "huge.nii", available_bytes() * 2)


def test_header_that_promises_more_than_the_file_holds_is_refused(tmp_path):
    check_declared(tmp_path / "a.nii.gz", 1000, 10, is_compressed=True)
    with pytest.raises(ReadError, match="declares 1000 bytes of samples, and 999 are there"):
        check_declared(tmp_path / "a.nii", 1000, 999)
    with pytest.raises(ReadError, match="packed"):
        check_declared(tmp_path / "a.nii.gz", 10**9, 1000, is_compressed=True)


def test_any_error_of_a_library_names_the_file_in_one_line(tmp_path):
    path = tmp_path / "odd.tif"
    with (
        pytest.raises(ReadError, match=r"odd\.tif: cannot be read \(ValueError: a b\)\.$"),
        refusing(path, "cannot be read"),
    ):
        raise ValueError("a\nb")
    with pytest.raises(ReadError) as caught, refusing(path, "cannot be read", with_text=False):
        raise ValueError("PatientName SECRET^JANE")
    assert "SECRET" not in str(caught.value)
    with pytest.raises(ReadError, match="does not fit into memory"), refusing(path, "cannot be read"):
        raise MemoryError


def test_more_than_a_gib_that_is_packed_like_a_bomb_is_refused(tmp_path):
    with pytest.raises(ReadError, match="as only a bomb"):
        check_declared(tmp_path / "a.nii.gz", 2**31, 2**21, is_compressed=True)
    check_declared(tmp_path / "a.nii.gz", 2**29, 2**20, is_compressed=True)
