"""Archives are checked by name and size before a byte is written."""

from __future__ import annotations

import stat
import zipfile
from pathlib import Path
from typing import Any

import pytest

from napari_medclf.domain.errors import CardError, WriteError
from napari_medclf.store.zoo import unpack as module
from napari_medclf.store.zoo.unpack import unpack


def _zip(path: Path, *members: tuple[Any, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return path


def _unpack(path: Path) -> Path:
    folder = path.parent / "content"
    for _ in unpack(path, folder):
        pass
    return folder


def test_files_come_out_as_they_went_in(tmp_path: Path) -> None:
    path = _zip(tmp_path / "a.zip", ("x/", b""), ("x/configs/a.json", b"{}"), ("__MACOSX/x/._a", b"1"))
    folder = _unpack(path)
    found = {one.relative_to(folder).as_posix(): one.read_bytes() for one in folder.rglob("*") if one.is_file()}
    assert found == {"x/configs/a.json": b"{}"}


@pytest.mark.parametrize("name", ["../evil", "a/../../evil", "/etc/evil", "a\\..\\evil", "C:evil", "a\nb", "x" * 300])
def test_name_that_could_lead_out_stops_the_whole_archive(tmp_path: Path, name: str) -> None:
    path = _zip(tmp_path / "a.zip", ("good", b"1"))
    with zipfile.ZipFile(path, "a") as archive:
        info = zipfile.ZipInfo("placeholder")
        info.filename = name
        archive.writestr(info, b"evil")
    with pytest.raises(CardError, match="could lead out of the archive"):
        _unpack(path)
    assert list(tmp_path.iterdir()) == [path]


def test_link_stops_the_whole_archive(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with pytest.raises(CardError, match="a link or a special file"):
        _unpack(_zip(tmp_path / "a.zip", ("good", b"1"), (link, b"/etc/passwd")))
    assert not (tmp_path / "content").exists()


def test_names_that_a_disk_may_take_for_the_same_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CardError, match="two files of the same name"):
        _unpack(_zip(tmp_path / "a.zip", ("a/B", b"1"), ("a/b", b"2")))


def test_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    with pytest.raises(CardError, match="over 200 times its size"):
        _unpack(_zip(tmp_path / "a.zip", ("bomb", b"\0" * 2**24)))
    assert not (tmp_path / "content").exists()


def test_too_many_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CardError, match="holds 5001 files"):
        _unpack(_zip(tmp_path / "a.zip", *((f"{n}", b"") for n in range(5001))))


def test_archive_that_is_too_large_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_BYTES", 1000)
    with pytest.raises(CardError, match="the limit is"):
        _unpack(_zip(tmp_path / "a.zip", ("a", bytes(1001))))


def test_full_disk_is_told_before_unpacking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module.shutil, "disk_usage", lambda path: type("Usage", (), {"free": 10})())
    with pytest.raises(WriteError, match="are free on the disk"):
        _unpack(_zip(tmp_path / "a.zip", ("a", bytes(1001))))


def test_file_that_lies_about_its_length_leaves_nothing(tmp_path: Path) -> None:
    path = _zip(tmp_path / "a.zip", ("good", b"1"), ("a", b"\0" * 5000))
    path.write_bytes(path.read_bytes().replace((5000).to_bytes(4, "little"), (50).to_bytes(4, "little")))
    with pytest.raises(CardError, match=r"a\.zip"):
        _unpack(path)
    assert not (tmp_path / "content").exists()


@pytest.mark.parametrize("n_bytes", [0, 10, 100, 150])
def test_archive_that_was_cut_is_one_sentence(tmp_path: Path, n_bytes: int) -> None:
    path = _zip(tmp_path / "a.zip", ("a", bytes(range(250))))
    path.write_bytes(path.read_bytes()[:n_bytes])
    with pytest.raises(CardError, match="cannot be read as a zip file") as caught:
        _unpack(path)
    assert "\n" not in str(caught.value)


def test_encrypted_archive_is_one_sentence(tmp_path: Path) -> None:
    path = _zip(tmp_path / "a.zip", ("a", b"hello" * 100))
    raw = bytearray(path.read_bytes())
    raw[raw.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(raw)
    with pytest.raises(CardError, match="is encrypted"):
        _unpack(path)


def test_stop_leaves_nothing(tmp_path: Path) -> None:
    job = unpack(_zip(tmp_path / "a.zip", ("a", b"1"), ("b", b"2")), tmp_path / "content")
    next(job)
    job.close()
    assert not (tmp_path / "content").exists()
