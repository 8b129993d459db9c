"""What is kept is whole or absent, and takes no more room than allowed."""

from __future__ import annotations

import os
from pathlib import Path

from napari_medclf.engine.runtimes.shelf import Shelf


def test_content_comes_back(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "new")
    assert shelf.get("a") is None
    shelf.put("a", b"network")
    shelf.remember("a", {"runtime": "onnx"})
    assert shelf.get("a") == b"network"
    assert shelf.recall("a")["runtime"] == "onnx"


def test_every_changed_byte_is_noticed(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    shelf.put("a", b"network")
    path = tmp_path / "a.onnx"
    whole = path.read_bytes()
    for position in range(len(whole)):
        path.write_bytes(whole[:position] + bytes([whole[position] ^ 1]) + whole[position + 1 :])
        assert shelf.get("a") is None
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        assert shelf.get("a") is None


def test_oldest_go_when_there_is_too_much(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path, max_bytes=300)
    for age, name in enumerate("abc"):
        shelf.put(name, b"x" * 60)
        os.utime(tmp_path / f"{name}.onnx", (1000 + age, 1000 + age))
    assert shelf.get("a") is not None  # used now, so that b is the oldest
    shelf.put("d", b"x" * 60)
    assert [name for name in "abcd" if shelf.get(name)] == ["a", "c", "d"]


def test_damaged_or_later_notes_count_as_none(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    for text in ("", "{", "[]", '{"schema_version": 2, "runtime": "onnx"}'):
        (tmp_path / "a.json").write_text(text)
        assert shelf.recall("a") is None


def test_folder_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    shelf = Shelf(tmp_path / "file")
    shelf.put("a", b"network")
    shelf.remember("a", {})
    assert shelf.get("a") is None
    assert Shelf(None).get("a") is None
