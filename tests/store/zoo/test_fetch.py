"""Models of the online list arrive checked, from their authors, a mirror or a folder."""

from __future__ import annotations

import hashlib
import io
import zipfile
from pathlib import Path
from typing import Any

import pytest

from napari_medclf.domain.errors import CardError, ServerError
from napari_medclf.store.zoo.download import Patience
from napari_medclf.store.zoo.entry import ZooEntry, ZooFile
from napari_medclf.store.zoo.fetch import chosen_mirror, fetch, work_folder

HASTY = Patience(timeout_s=1.0, most_tries=2, first_wait_s=0.01)


def _zip_bytes(**files: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(f"bundle/{name}", content)
    return buffer.getvalue()


ARCHIVE = _zip_bytes(weights=bytes(range(256)) * 500)


def _entry(*files: ZooFile) -> ZooEntry:
    words = dict.fromkeys(("title", "licence", "family", "backend", "page"), "x")
    return ZooEntry(name="spleen", version="1.0", task="segment", modality=("CT",), files=files, **words)


@pytest.fixture
def entry(site: Any) -> ZooEntry:
    site.files["model.zip"] = ARCHIVE
    file = ZooFile(url="https://example.org/model.zip", path="model.zip", sha1=hashlib.sha1(ARCHIVE).hexdigest())
    return _entry(file)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def _fetch(entry: ZooEntry, home: Path, mirror: str) -> dict[str, bytes]:
    with work_folder(home) as folder:
        for _ in fetch(entry, folder, home, mirror, HASTY):
            pass
        content = folder / "content"
        return {one.relative_to(content).as_posix(): one.read_bytes() for one in content.rglob("*") if one.is_file()}


def _left(home: Path) -> list[str]:
    return [one.name for one in (home / "downloads").rglob("*") if one.is_file()]


def test_archive_comes_from_the_mirror_checked_and_unpacked(site: Any, entry: ZooEntry, home: Path) -> None:
    assert _fetch(entry, home, site.address) == {"bundle/weights": bytes(range(256)) * 500}
    assert [path for path, _ in site.asked] == ["spleen/model.zip", "model.zip"]
    assert _left(home) == []


def test_mirror_may_be_a_folder_without_network(entry: ZooEntry, home: Path, tmp_path: Path) -> None:
    for path in (tmp_path / "flat" / "model.zip", tmp_path / "deep" / "spleen" / "model.zip"):
        path.parent.mkdir(parents=True)
        path.write_bytes(ARCHIVE)
        assert list(_fetch(entry, home, str(path.parents[0 if "flat" in path.parts else 1]))) == ["bundle/weights"]
        assert path.is_file()
    with pytest.raises(CardError, match=r"the mirror has no spleen/model\.zip"):
        _fetch(entry, home, str(tmp_path / "nowhere"))


def test_other_content_than_published_is_refused_and_deleted(site: Any, entry: ZooEntry, home: Path) -> None:
    site.files["model.zip"] = _zip_bytes(weights=b"evil")
    with pytest.raises(CardError, match=r"is not what its author published \(SHA-1"):
        _fetch(entry, home, site.address)
    assert _left(home) == []


def test_first_download_is_held_to_from_then_on(site: Any, home: Path) -> None:
    first, second = _zip_bytes(weights=b"1"), _zip_bytes(weights=b"2")
    entry = _entry(ZooFile(url="https://example.org/model.zip", path="model.zip"))
    site.files["model.zip"] = first
    _fetch(entry, home, site.address)
    site.files["model.zip"], site.headers = second, {"ETag": '"2"'}
    with pytest.raises(CardError, match="is not what was downloaded the first time"):
        _fetch(entry, home, site.address)
    site.files["model.zip"] = first
    assert _fetch(entry, home, site.address) == {"bundle/weights": b"1"}


def test_published_sha256_is_compared(site: Any, home: Path) -> None:
    site.files["spleen/model.json"] = b"{}"
    wanted = hashlib.sha256(b"{}").hexdigest()
    good = ZooFile(url="https://example.org/model.json", path="model.json", sha256=wanted)
    assert _fetch(_entry(good), home, site.address) == {"model.json": b"{}"}
    with pytest.raises(CardError, match="SHA-256"):
        _fetch(_entry(good.model_copy(update={"sha256": "0" * 64})), home, site.address)


def test_several_files_lie_side_by_side(site: Any, home: Path) -> None:
    site.files |= {"spleen/model.json": b"{}", "spleen/model.pth": b"weights"}
    files = tuple(ZooFile(url=f"https://example.org/{name}", path=name) for name in ("model.json", "model.pth"))
    assert _fetch(_entry(*files), home, site.address) == {"model.json": b"{}", "model.pth": b"weights"}


def test_mirror_that_leads_nowhere_is_one_sentence(site: Any, entry: ZooEntry, home: Path) -> None:
    site.files.clear()
    with pytest.raises(ServerError, match="has no such file"):
        _fetch(entry, home, site.address)


def test_mirror_must_be_safe(entry: ZooEntry, home: Path) -> None:
    with pytest.raises(ServerError, match="https only"):
        _fetch(entry, home, "http://example.org/models")


def test_mirror_of_the_environment_is_used_unless_one_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDCLF_MODELS_MIRROR", "https://mirror.example.org")
    assert chosen_mirror() == "https://mirror.example.org"
    assert chosen_mirror("/media/stick") == "/media/stick"


def test_work_folder_goes_and_takes_those_of_killed_processes_along(home: Path) -> None:
    dead = home / "downloads" / "unpacked-999999999"
    dead.mkdir(parents=True)
    with work_folder(home) as folder:
        assert folder.is_dir()
        assert not dead.exists()
    assert not folder.exists()
