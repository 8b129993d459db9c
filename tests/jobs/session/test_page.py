"""What the page on losing nothing shows works as it stands there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from napari_medclf.cli.main import main
from napari_medclf.domain.stroke import Stroke, StrokeKind
from napari_medclf.io.digest import with_digest
from napari_medclf.io.labels import read_label_map
from napari_medclf.io.read import read_image
from napari_medclf.store.strokes.journal import BaseInfo, StrokeJournal

PAGE = Path(__file__).resolve().parents[3] / "docs" / "explanation" / "nothing-is-lost.md"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


@pytest.fixture
def desk(tmp_path, monkeypatch):
    """A project in which an answer was saved and four strokes were painted."""
    monkeypatch.chdir(tmp_path)
    Image.fromarray(np.arange(12 * 20, dtype=np.uint8).reshape(12, 20)).save("eye_0.png")
    Image.fromarray(np.eye(12, 20, dtype=np.uint8)).save("labels.png")
    assert main(["correct", "my-project", "eye_0.png", "--labels", "labels.png", "--class-names", "vessel"]) == 0
    image = with_digest(read_image(Path("eye_0.png")))
    journal = StrokeJournal.open(tmp_path / "my-project", image.source.digest)
    journal.begin_base(BaseInfo(shape=image.geometry.shape, dtype="uint8", is_empty=True))
    for place in (5, 20, 60, 100):
        journal.append(Stroke(StrokeKind.PAINT, np.array([place]), np.array([0]), np.array([1]), author="ada"))
    journal.close()
    return tmp_path


def test_commands_of_the_page_work(desk, capsys):
    lines = [shlex.split(line, comments=True)[1:] for block in blocks("bash") for line in block.splitlines()]
    assert [line[0] for line in lines] == ["restore", "restore", "restore", "audit", "session", "rerun"]
    for line in lines[:-1]:
        assert main(line) == 0, capsys.readouterr().err
    assert main(lines[-1]) == 0
    assert "1 of 1 painted answers are the same; 1 have no strokes" in capsys.readouterr().out
    assert not read_label_map(desk / "begun.nii.gz").labels.any()


def test_python_of_the_page_works(desk):
    (code,) = blocks("python")
    exec(code, {"folder": desk / "my-project"})
