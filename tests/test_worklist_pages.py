"""What the pages about the work list and second readers show runs as it is written."""

from __future__ import annotations

import argparse
import json
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from napari_medclf.cli.command import DONE
from napari_medclf.cli.commands import adjudicate, agreement, worklist
from napari_medclf.cli.flags import add_flags, read_flags
from napari_medclf.cli.main import main
from napari_medclf.domain.annotation import Annotation, CaseState, Origin
from napari_medclf.domain.card import Task
from napari_medclf.domain.dataset import FileRef
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.io.digest import with_digest
from napari_medclf.io.read import read_image
from napari_medclf.store.project import Project

PAGES = Path(__file__).resolve().parents[1] / "docs" / "how-to"
KNOWN = {"worklist": worklist, "agreement": agreement, "adjudicate": adjudicate}


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A project of two pictures that two people graded, as `my-project` in the working folder."""
    monkeypatch.chdir(tmp_path)
    schema = LabelSchema.from_names(["ill", "well"])
    project = Project.create(Path("my-project"), name="my-project", task=Task.CLASSIFY, classes=schema)
    for number, name in enumerate(("Image_02R", "Image_03R")):
        path = tmp_path / f"{name}.png"
        Image.fromarray(np.full((8, 9), 40 * number, dtype=np.uint8)).save(path)
        case = project.add_case(FileRef(path), image_digest=with_digest(read_image(path)).source.digest)
        for author, said in (("reader-1", "ill"), ("reader-2", "well")):
            annotation = Annotation(
                case_id=case.case_id,
                group_id=case.group_id,
                image_digest=case.image_digest,
                classes=(said,),
                origin=Origin.MANUAL,
                author=author,
                is_blind=author == "reader-2",
                created="2026-11-21T10:00:00+00:00",
            )
            project.save_annotation(annotation)
    return tmp_path


def _lines(page):
    blocks = re.findall(r"```\n(.*?)```", (PAGES / page).read_text(), re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line.startswith("medclf ")]


@pytest.mark.parametrize("line", [*_lines("worklist.md"), *_lines("second-reader.md")])
def test_every_command_of_the_pages_runs(line, here, capsys):
    _, name, *arguments = shlex.split(line)
    if "--model" in arguments:
        parser = argparse.ArgumentParser()
        command = KNOWN[name].COMMAND
        add_flags(parser, command.options)
        assert read_flags(parser.parse_args(arguments), command.options).model == "hippocampus-mr"
        return
    assert main([name, *arguments]) == DONE, capsys.readouterr().err


def test_python_of_the_page_runs(here, capsys):
    (code,) = re.findall(r"```python\n(.*?)```", (PAGES / "worklist.md").read_text(), re.DOTALL)
    exec(compile(code, "worklist.md", "exec"), {})
    assert "corrected" in capsys.readouterr().out


def test_states_of_the_page_are_those_of_the_program():
    text = (PAGES / "worklist.md").read_text()
    assert all(state.value.replace("-", " ") in text for state in CaseState)
    assert all(f"`{order.value}`" in text for order in worklist.WorklistOptions(Path()).order.__class__)


def test_decision_counts_and_json_is_one_document(here, capsys):
    assert main(["adjudicate", "my-project", "--case", "Image_02R", "--choose", "reader-2", "--author", "eve"]) == DONE
    capsys.readouterr()
    assert main(["worklist", "my-project", "--json"]) == DONE
    document = json.loads(capsys.readouterr().out)
    assert {row["case_id"]: row["author"] for row in document["cases"]} == {"Image_02R": "eve", "Image_03R": "reader-1"}
    assert main(["agreement", "my-project", "--json"]) == DONE
    assert json.loads(capsys.readouterr().out)["n_cases"] == 2
    assert main(["adjudicate", "my-project", "--json"]) == DONE
    assert [one["is_decided"] for one in json.loads(capsys.readouterr().out)["disputes"]] == [False, True]
