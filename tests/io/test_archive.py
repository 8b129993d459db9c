import stat
import zipfile

import numpy as np
import pytest

from napari_medclf.domain.errors import ReadError
from napari_medclf.io.archive import unpacked


def make(path, *members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return path


def test_files_come_out_as_they_went_in_without_the_macintosh_folder(tmp_path):
    content = np.random.default_rng(0).bytes(100_000)
    folder = unpacked(make(tmp_path / "a.zip", ("x/y/z", content), ("__MACOSX/x/._z", b"1")))
    assert [one.relative_to(folder).as_posix() for one in folder.rglob("*") if one.is_file()] == ["x/y/z"]
    assert (folder / "x" / "y" / "z").read_bytes() == content
    assert folder.stat().st_mode & 0o077 == 0


def test_archive_is_unpacked_once_and_again_when_it_changed(tmp_path):
    path = make(tmp_path / "a.zip", ("a", b"1"))
    first = unpacked(path)
    assert unpacked(path) == first
    make(path, ("a", b"22"))
    assert (unpacked(path) / "a").read_bytes() == b"22"


@pytest.mark.parametrize(
    "name", ["../evil", "a/../../evil", "/etc/evil", "a\\..\\evil", "C:evil", "a\nb", "x" * 300, "/".join("a" * 40)]
)
def test_name_that_could_lead_elsewhere_stops_the_whole_archive(tmp_path, name):
    (tmp_path / "in").mkdir()
    path = make(tmp_path / "in" / "a.zip", ("good", b"1"))
    with zipfile.ZipFile(path, "a") as archive:
        info = zipfile.ZipInfo("placeholder")
        info.filename = name
        archive.writestr(info, b"evil")
    with pytest.raises(ReadError, match="lead out of the archive"):
        unpacked(path)
    assert list(tmp_path.iterdir()) == [tmp_path / "in"]


def test_link_stops_the_whole_archive(tmp_path):
    info = zipfile.ZipInfo("link")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    with pytest.raises(ReadError, match="a link or a special file"):
        unpacked(make(tmp_path / "a.zip", (info, "/etc/passwd")))


def test_same_name_twice_and_names_that_differ_in_case_only_are_refused(tmp_path):
    with pytest.raises(ReadError, match="two files of the same name"):
        unpacked(make(tmp_path / "a.zip", ("a/B", b"1"), ("a/b", b"2")))


def test_bomb_is_refused_before_it_is_unpacked(tmp_path):
    with pytest.raises(ReadError, match="times its size"):
        unpacked(make(tmp_path / "a.zip", *((f"{n}", b"\0" * 2**24) for n in range(5))))


def test_file_that_lies_about_its_length_is_refused(tmp_path):
    path = make(tmp_path / "a.zip", ("a", b"\0" * 5000))
    raw = path.read_bytes()
    path.write_bytes(raw.replace((5000).to_bytes(4, "little"), (50).to_bytes(4, "little")))
    with pytest.raises(ReadError, match=r"a\.zip"):
        unpacked(path)


def test_encrypted_and_cut_archives_are_one_sentence(tmp_path):
    path = make(tmp_path / "a.zip", ("a", b"hello" * 100))
    raw = bytearray(path.read_bytes())
    raw[raw.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(raw)
    with pytest.raises(ReadError, match="is encrypted"):
        unpacked(path)
    path.write_bytes(raw[:60])
    with pytest.raises(ReadError, match="cannot be read as a zip"):
        unpacked(path)
