"""Tables: columns found by name, every mistake told with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from napari_medclf.domain.card import Task
from napari_medclf.domain.dataset import FileRef, Split
from napari_medclf.domain.errors import DatasetError
from napari_medclf.store.datasets import Hints, open_dataset


@pytest.fixture
def images(tmp_path: Path) -> Path:
    for name in ("a.png", "b.png", "c.png", "d.png"):
        (tmp_path / name).write_bytes(b"pixels")
    return tmp_path


def _table(folder: Path, text: str, name: str = "labels.csv", encoding: str = "utf-8") -> Path:
    path = folder / name
    path.write_text(text, encoding=encoding)
    return path


def test_group_and_split_come_from_their_columns(images: Path) -> None:
    table = _table(images, "Path,Label,Patient_ID,Split\na.png,x,p1,train\nb.png,y,p1,training\nc.png,x,p2,TEST\n")
    dataset = open_dataset(table)
    assert [(case.group_id, case.split) for case in dataset.cases] == [
        ("p1", Split.TRAIN),
        ("p1", Split.TRAIN),
        ("p2", Split.TEST),
    ]


@pytest.mark.parametrize(("name", "separator"), [("t.csv", ","), ("t.csv", ";"), ("t.tsv", "\t")])
def test_separator_and_byte_order_mark_are_understood(images: Path, name: str, separator: str) -> None:
    rows = [["file", "diagnosis"], ["a.png", "ill"], ["b.png", "well"], ["c.png", "well"]]
    table = _table(images, "\n".join(separator.join(row) for row in rows), name, encoding="utf-8-sig")
    assert open_dataset(table).schema.names == ("ill", "well")


def test_class_names_are_in_natural_order(images: Path) -> None:
    table = _table(images, "path,label\na.png,10\nb.png,9\nc.png,9\n")
    assert open_dataset(table).schema.names == ("9", "10")


def test_several_yes_no_columns_are_independent_classes(images: Path) -> None:
    table = _table(images, "path,mass,nodule,age\na.png,1,0,61\nb.png,0,0,47\nc.png,1,1,33\n")
    dataset = open_dataset(table)
    assert [case.classes for case in dataset.cases] == [("mass",), (), ("mass", "nodule")]
    assert not dataset.is_exclusive
    assert any("age" in warning for warning in dataset.warnings)


def test_chosen_columns_are_the_labels(images: Path) -> None:
    table = _table(images, "path,mass,nodule\na.png,1,0\nb.png,0,0\nc.png,1,1\n")
    assert open_dataset(table, hints=Hints(label_columns=("mass", "nodule"))).schema.names == ("mass", "nodule")
    with pytest.raises(DatasetError, match=r"no column 'masss'\. Did you mean 'mass'"):
        open_dataset(table, hints=Hints(label_columns=("masss",)))


def test_mask_column_makes_a_segmentation(images: Path) -> None:
    table = _table(images, "image,mask\na.png,b.png\nc.png,d.png\n")
    dataset = open_dataset(table, hints=Hints(class_names=("lesion",)))
    assert dataset.task is Task.SEGMENT
    assert dataset.cases[1].label_map == FileRef(images / "d.png")


def test_rows_without_label_are_left_out_and_told(images: Path) -> None:
    dataset = open_dataset(_table(images, "path,label\na.png,x\nb.png,\nc.png,y\nd.png,y\n"))
    assert [case.case_id for case in dataset.cases] == ["a", "c", "d"]
    assert "1 rows of labels.csv have no label" in dataset.warnings[0]


def test_same_file_name_in_two_folders_makes_two_cases(tmp_path: Path) -> None:
    for name in ("p1/scan.png", "p2/scan.png", "p3/scan.png"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_bytes(b"pixels")
    dataset = open_dataset(_table(tmp_path, "path,label\np1/scan.png,x\np2\\scan.png,y\np3/scan.png,y\n"))
    assert [case.case_id for case in dataset.cases] == ["p1-scan", "p2-scan", "p3-scan"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("name,label\na.png,x\n", r"no column for the path of the image.*found: name, label"),
        ("path,colour\na.png,red\n", r"no column for the class.*found: path, colour"),
        ("path,label\na.png,x\nnope.png,y\n", r"line 3: the file 'nope\.png' does not exist \(1 of 2"),
        ("path,label\na.png,x\nb.png,y\na.png,y\n", r"line 4: 'a\.png' stands already in line 2"),
        ("path,label\na.png,x\nb.png,x\n", "one class only, 'x'"),
        ("path,label\na.png,x,extra\n", "line 2: has 3 cells, the header 2"),
        ("path,label,label\na.png,x,y\n", r"columns \['label'\] stand more than once"),
        ("path,label\n", "no row besides the header"),
        ("path,label,split\na.png,x,trian\nb.png,y,test\nc.png,y,test\n", "line 2: There is no split 'trian'. Did you"),
        (
            "path,label,patient,split\na.png,x,p1,train\nb.png,y,p2,train\nc.png,y,p1,test\n",
            r"stand in two splits, such as 'p1'",
        ),
        ("path,label\na.png,x\n,y\n", "does not exist"),
        ("path,mass,nodule\na.png,1,0\nb.png,,1\n", r"line 3: the columns \['mass'\] are empty"),
    ],
)
def test_mistake_is_one_sentence_with_its_line(images: Path, text: str, sentence: str) -> None:
    with pytest.raises(DatasetError, match=sentence):
        open_dataset(_table(images, text))


def test_table_in_another_encoding_is_refused(images: Path) -> None:
    table = images / "labels.csv"
    table.write_bytes("path,label\na.png,gesund\nb.png,krank für immer\n".encode("latin-1"))
    with pytest.raises(DatasetError, match="is not UTF-8 text"):
        open_dataset(table)
