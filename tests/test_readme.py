"""What the README shows works as it stands there."""

from __future__ import annotations

import importlib.util
import re
import shlex
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from napari_medclf.testing.phantoms import brain_phantom, chest_phantom, integer_noise

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
SIZE_OF_LESION_PICTURES = (40, 44)


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.DOTALL | re.MULTILINE)


@pytest.fixture
def desk(tmp_path, monkeypatch):
    """A folder with the files the examples name."""
    from PIL import Image

    from napari_medclf.io.write import write_image

    monkeypatch.chdir(tmp_path)
    brain = brain_phantom().image
    write_image(brain, tmp_path / "brain.nii.gz")
    for shift, name in enumerate(("studies/first", "studies/second", "inbox")):
        moved = replace(brain, data=np.roll(brain.data, shift, axis=-1))  # a copy would not be run again
        write_image(moved, tmp_path / name / "t1.nii.gz")
    Image.fromarray(chest_phantom(with_opacity=True).data[0]).save(tmp_path / "chest.png")
    for brightness, name in ((70, "benign"), (150, "malignant")):
        (tmp_path / "lesions" / name).mkdir(parents=True)
        for number in range(12):
            picture = brightness + integer_noise(SIZE_OF_LESION_PICTURES, 40, seed=brightness + number)
            Image.fromarray(picture.astype(np.uint8)).save(tmp_path / "lesions" / name / f"{name}{number:03}.png")
    return tmp_path


def commands():
    lines = [line[2:] for block in blocks("console") for line in block.splitlines() if line.startswith("$ ")]
    return [shlex.split(line, comments=True) for line in lines]


@pytest.mark.slow
def test_commands_run_in_their_order(desk, capsys):
    from napari_medclf.cli.main import main

    assert len(commands()) >= 7
    for program, *arguments in commands():
        assert program == "medclf"
        if arguments[0] == "train":
            arguments += ["--epochs", "2"]  # the README's twenty minutes are for a person's images
        code = main(arguments)
        said = capsys.readouterr()
        assert code == 0, f"{' '.join(arguments)}: {said.err}"
        assert "Traceback" not in said.err
    assert (desk / "answer" / "results.csv").is_file()
    assert len(list((desk / "results" / "cases").iterdir())) == 2
    assert (desk / "results" / "report.html").is_file()
    assert len(list((desk / "arrived" / "cases").iterdir())) == 1
    assert (desk / "measured" / "metrics.json").is_file()
    assert (desk / "brain.nii").is_file()


@pytest.mark.slow
def test_python_example_runs(desk, capsys):
    for block in blocks("python"):
        exec(compile(block, "README.md", "exec"), {})
    printed = capsys.readouterr().out
    assert re.search(r"anterior: \d+\.\d\d mL", printed, re.IGNORECASE)
    assert "pneumonia" in printed


def test_model_table_is_what_the_cards_say():
    spec = importlib.util.spec_from_file_location("model_table", ROOT / "docs" / "model_table.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for page in module.PAGES:
        assert page.read_text(encoding="utf-8") == module.updated(page), "run python docs/model_table.py"


def test_links_lead_somewhere():
    for target in re.findall(r"\]\((?!http)([^)#]+)", README):
        assert (ROOT / target).exists(), target


def test_readme_says_research_use_only():
    assert "Research use only" in README
