"""What the page about learning from corrections shows runs as it is written, and says what the program does."""

from __future__ import annotations

import re
import shlex
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pytest

from napari_medclf.cli.command import BAD_INPUT, DONE
from napari_medclf.cli.main import main
from napari_medclf.engine.adapt import settings
from napari_medclf.jobs.api import run
from napari_medclf.jobs.correct import Answer, save_answer
from napari_medclf.store.project import Project
from napari_medclf.testing.hippocampus_phantom import hippocampus_phantom

PAGE = Path(__file__).resolve().parents[1] / "docs" / "how-to" / "adapt.md"


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A corrected drawing as `my-project` in the working folder; learning takes one step."""
    monkeypatch.chdir(tmp_path)
    one_step = {kind: replace(usual, n_steps=1) for kind, usual in settings.KINDS.items()}
    monkeypatch.setattr(settings, "KINDS", MappingProxyType(one_step))
    phantom = hippocampus_phantom()
    for number in range(2):
        image = replace(phantom.image, data=np.roll(phantom.image.data, number, axis=2), name=f"scan-{number}")
        truth = replace(phantom.truth, labels=np.roll(phantom.truth.labels, number, axis=2))
        run(save_answer(tmp_path / "my-project", image, Answer(truth, author="reader")))
    return tmp_path


def test_commands_of_the_page_run_one_after_the_other(here, capsys) -> None:
    adapt, listing, accept, rollback = _lines()[:4]
    assert _run(adapt) == DONE, capsys.readouterr().err
    assert _run(listing) == DONE
    assert "r0001-" in capsys.readouterr().out
    (made,) = (one.name for one in (here / "my-project" / "revisions").iterdir() if one.name.startswith("r0002"))
    assert _run(accept) == BAD_INPUT  # two patients: nobody is held out, nothing is known
    assert "Confirm it" in capsys.readouterr().err
    assert _run(f"{accept} --confirm") == DONE
    assert made in capsys.readouterr().out
    assert _run(rollback) == DONE
    assert "r0001-" in capsys.readouterr().out


def test_python_of_the_page_runs(here, capsys) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    exec(compile(code, "adapt.md", "exec"), {})
    assert "Not known" in capsys.readouterr().out
    assert len(Project.open(here / "my-project").cases()) == 2


def test_numbers_of_the_page_are_those_of_the_program() -> None:
    text = PAGE.read_text()
    for kind, n_steps in (("instant", None), ("adapt", 50), ("fine-tune", 600)):
        assert f"| {kind} |" in text
        assert n_steps is None or (settings.KINDS[kind].n_steps == n_steps and f"{n_steps}" in text)


def _lines() -> list[str]:
    blocks = re.findall(r"```\n(.*?)```", PAGE.read_text(), re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line.startswith("medclf ")]


def _run(line: str) -> int:
    return main([*shlex.split(line)[1:], "--quiet"])
