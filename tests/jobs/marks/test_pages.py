"""The commands on the pages about marks and objects work as they stand there."""

from __future__ import annotations

import csv
import re
import shlex
from pathlib import Path

import numpy as np
import pytest

from napari_medclf.cli.main import main
from napari_medclf.domain.card import Task
from napari_medclf.domain.dataset import FileRef
from napari_medclf.domain.geometry import Geometry
from napari_medclf.domain.image import MedImage
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.results import Segmentation
from napari_medclf.io.digest import array_digest
from napari_medclf.io.read import read_image
from napari_medclf.io.write import write_image, write_segmentation
from napari_medclf.store.project import Project

PAGES = Path(__file__).resolve().parents[3] / "docs" / "how-to"


def commands(page):
    blocks = re.findall(r"^```bash\n(.*?)^```", (PAGES / page).read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    return [shlex.split(line)[1:] for block in blocks for line in block.splitlines() if line.startswith("medclf ")]


def run_all(lines, capsys):
    for arguments in lines:
        assert main(arguments) == 0, f"{' '.join(arguments)}: {capsys.readouterr().err}"


@pytest.fixture
def desk(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    data = np.arange(20 * 12 * 14, dtype=np.float32).reshape(20, 12, 14)
    write_image(MedImage(data, Geometry.from_spacing(data.shape, (3.0, 1.0, 1.0)), "scan"), tmp_path / "scan.nii.gz")
    classes = LabelSchema.from_names(["healthy", "ill"])
    project = Project.create(tmp_path / "PROJECT", name="p", task=Task.CLASSIFY, classes=classes)
    digest = array_digest(read_image(tmp_path / "scan.nii.gz").data)
    project.add_case(FileRef(tmp_path / "scan.nii.gz"), image_digest=digest, case_id="CASE")
    return tmp_path


def test_marks_are_said_listed_and_become_images(desk, capsys):
    lines = commands("marks.md")
    run_all([line for line in lines if line[0] == "marks"], capsys)
    with (desk / "marks.csv").open() as file:
        assert [row["classes"] for row in csv.DictReader(file)] == ["motion", "effusion mass"]
    assert read_image(next((desk / "slices" / "images").iterdir())).geometry.shape == (1, 12, 14)
    assert [line[0] for line in lines if line[0] != "marks"] == ["train"]


def test_objects_get_their_classes(desk, capsys):
    labels = np.zeros((1, 30, 60), np.uint16)
    picture = np.full(labels.shape, 10.0, np.float32)
    for number in range(1, 7):
        box = (0, slice(5, 15), slice(10 * number - 8, 10 * number - 2))
        labels[box], picture[box] = number, 100 * (1 + number % 2) + number
    geometry = Geometry.flat(30, 60)
    write_image(MedImage(picture.astype(np.uint8), geometry, "image"), desk / "image.png")
    cells = LabelSchema.from_names(["cell"], first_value=1)
    write_segmentation(Segmentation(labels, geometry, cells, is_instances=True), desk / "objects.nii.gz")
    (desk / "examples.csv").write_text("index,class\n1,bright\n2,dim\n")
    run_all(commands("objects.md"), capsys)
    with (desk / "out" / "objects.csv").open() as file:
        assert [row["class"] for row in csv.DictReader(file)] == ["bright", "dim"] * 3
