"""Boxes of Pascal VOC and of our own files, placed to the half pixel."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from napari_medclf.domain.card import Task
from napari_medclf.domain.dataset import Split
from napari_medclf.domain.errors import DatasetError
from napari_medclf.store.datasets import Hints, open_dataset
from napari_medclf.store.datasets.box_files import read_box_file

_DETECT = Hints(task=Task.DETECT)


def _voc(*objects: tuple[str, int, int, int, int]) -> str:
    found = "".join(
        f"<object><name>{name}</name><bndbox><xmin>{x0}</xmin><ymin>{y0}</ymin><xmax>{x1}</xmax><ymax>{y1}</ymax>"
        "</bndbox></object>"
        for name, x0, y0, x1, y1 in objects
    )
    return f"<annotation><size><width>20</width><height>12</height><depth>3</depth></size>{found}</annotation>"


def test_voc_counts_pixels_from_one_and_both_sides_belong_to_the_box(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_text(_voc(("cell", 1, 2, 3, 4), ("rod", 0, 0, 20, 12)))
    found = read_box_file(tmp_path / "a.xml")
    assert found.names == ("cell", "rod")
    assert found.size == (12, 20)
    # the first pixel's centre is index 0, its edges -0.5 and 0.5
    assert found.boxes[0].tolist() == [[-0.5, 0.5, -0.5], [0.5, 3.5, 2.5]]
    assert found.boxes[1].tolist() == [[-0.5, -0.5, -0.5], [0.5, 11.5, 19.5]]


def test_boxes_that_this_program_wrote_come_back_in_three_dimensions(tmp_path: Path) -> None:
    from napari_medclf.domain.detection import Detection
    from napari_medclf.domain.geometry import Geometry
    from napari_medclf.domain.labels import LabelSchema
    from napari_medclf.io.box_table import write_boxes

    boxes = np.array([[[1.5, 2.5, 3.5], [4.5, 8.0, 9.5]], [[0.5, 0.5, 0.5], [1.5, 1.5, 1.5]]])
    geometry = Geometry.from_spacing((12, 20, 28), (3.0, 1.0, 0.5))
    schema = LabelSchema.from_names(["cyst", "node"], first_value=1)
    for suffix in ("json", "csv"):
        path = tmp_path / f"found.{suffix}"
        write_boxes(Detection(boxes, np.array([0.9, 0.8]), ("node", "cyst"), geometry, schema), path)
        found = read_box_file(path)
        np.testing.assert_allclose(found.boxes, boxes, atol=1e-3)
        assert found.names == ("node", "cyst")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("<annotation><object>", "is not XML"),
        (_voc(("cell", 9, 2, 3, 4)), r"box 1 \(cell\) ends before it begins"),
        (_voc(("", 1, 2, 3, 4)), "box 1 has no class"),
        ("<!DOCTYPE a [<!ENTITY b 'c'>]><annotation/>", "declares entities"),
        ("<annotation><object><name>a</name></object></annotation>", "has a side that is no number"),
    ],
)
def test_mistake_in_a_box_is_one_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    (tmp_path / "a.xml").write_text(text)
    with pytest.raises(DatasetError, match=sentence):
        read_box_file(tmp_path / "a.xml")


def test_voc_folders_are_read_with_their_splits(make_files) -> None:
    folder = make_files("JPEGImages/a.png", "JPEGImages/b.png", "JPEGImages/c.png")
    (folder / "Annotations").mkdir()
    for name in "abx":
        (folder / "Annotations" / f"{name}.xml").write_text(_voc(("cell", 1, 1, 3, 3)))
    (folder / "ImageSets" / "Main").mkdir(parents=True)
    (folder / "ImageSets" / "Main" / "train.txt").write_text("a\n")
    (folder / "ImageSets" / "Main" / "test.txt").write_text("b 1\n")
    dataset = open_dataset(folder)
    assert dataset.task is Task.DETECT
    assert [(case.case_id, case.split) for case in dataset.cases] == [("a", Split.TRAIN), ("b", Split.TEST)]
    assert [warning.split(",")[0] for warning in dataset.warnings] == [
        "1 images have no boxes in Annotations/ and are left out",
        "1 files of boxes have no image and are left out",
    ]


def test_folder_of_boxes_that_names_a_class_nowhere_is_refused(make_files) -> None:
    folder = make_files("images/a.png")
    (folder / "boxes").mkdir()
    (folder / "boxes" / "a.json").write_text(json.dumps({"boxes": []}))
    with pytest.raises(DatasetError, match="not one file holds a box"):
        open_dataset(folder, hints=_DETECT)


def test_blood_cells_have_boxes_when_they_are_asked_for(shared_data: Path) -> None:
    if not (shared_data / "bccd_multilabel").is_dir():
        pytest.skip("the dataset bccd_multilabel is not beside this repository")
    dataset = open_dataset(shared_data / "bccd_multilabel", hints=_DETECT)
    assert dataset.schema.names == ("Platelets", "RBC", "WBC")
    assert dataset.schema.values == (1, 2, 3)
    assert len(dataset.cases) == 120
    assert open_dataset(shared_data / "bccd_multilabel").task is Task.CLASSIFY
